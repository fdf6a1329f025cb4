"""What a plan of any size would take: speeds of stages in, days and cards out.

Nothing is run here. ``assumptions`` says what is reckoned with, ``layout`` makes stages of it,
``closed_form`` finds what binds with a pencil, ``simulate`` lets requests flow through the stages
with queues, losses and stragglers, and ``answers`` asks both.
"""
