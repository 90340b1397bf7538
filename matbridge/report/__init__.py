"""Reports that a person or a program opens: a page for the browser, pictures of networks."""
