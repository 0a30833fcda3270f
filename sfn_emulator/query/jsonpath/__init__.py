"""JSONPath text → compiled path, template, condition or intrinsic function → value."""
