"""When and where: the `lauter` command, configuration, reports."""
