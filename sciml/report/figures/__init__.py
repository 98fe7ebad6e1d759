"""Pictures of a report: lines as inline SVG whose colours are the page's, fields as small PNG files in the page."""
