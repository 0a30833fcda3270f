"""A proof's report: as lines for people, as JSON, as JUnit XML, and as histories that a viewer opens."""
