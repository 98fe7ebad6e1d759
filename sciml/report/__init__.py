"""Results in, one offline page out.

`intervals` and `entries` make statistics of rows, `verdict` and `against` sentences, `figures/` pictures,
`document` the whole as plain data, `page` and `text` HTML and Markdown, `writing` the files.
"""
