"""The console: pages for people, rendered here, in English and Simplified Chinese."""
