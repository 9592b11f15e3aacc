"""One small module per subcommand: `add_arguments(parser)`, `main(args) -> exit code`, and examples."""
