"""Where moto answers otherwise than AWS, and a Task or a function would see it; each goes when moto mends it."""
