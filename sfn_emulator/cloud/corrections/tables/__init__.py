"""DynamoDB, where moto answers otherwise: its values, its expressions, its transactions."""
