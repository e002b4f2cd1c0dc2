"""doit task creators of this repository; not shipped."""
