"""What a proof tells: as lines for people, as JSON, as JUnit XML, as histories that a viewer opens."""
