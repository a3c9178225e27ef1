def seed_if_empty(stack: object) -> bool:
    return False
