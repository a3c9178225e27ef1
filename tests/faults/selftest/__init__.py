"""The harness judged by flows whose verdict is known."""
