"""Answers in Markdown, as models write them, and as they should not."""

SAMPLES = {
    "paragraphs": """\
Plain words, **bold ones**, *slanted ones*, ~~struck ones~~ and `code`.
The same paragraph goes on.

A long line that has to be wrapped since it does not fit into a terminal of eighty columns, whatever its reader does.

Hard\\
break, and a [link](https://help.test/a "T"), <https://auto.test>, ![an image](https://x.test/i.png).
""",
    "headings": """\
# One

Text.

## Two
### Three
#### Four

Setext
======

Another
-------

***

The end.
""",
    "lists": """\
- one
- two
  - two and a half
    1. deep
    2. deeper

       with a paragraph of its own, long enough to be wrapped at the right margin of the terminal
- three

1. first
2. second
10. tenth

* loose

* list

- [ ] to do
- [x] done
""",
    "table": """\
You have 2 tables:

| table | rows | columns |
|:--|--:|:-:|
| `in.c-crm.customers` | 12 | id, name, email, country, created_at, and some more that do not fit |
| in.c-sales.orders | 1 000 | **id** |

That is all.
""",
    "code": """\
Run this:

```python
def f(x: int) -> str:
    return f"{x}"  # a comment


class C: ...
```

```sql
SELECT "a", count(*) FROM t WHERE x = 'y' GROUP BY 1
```

```
plain
    indented
```

~~~unknown-language
x = 1
~~~

    indented code
""",
    "quotes": """\
> A quote
> of two lines
>
> - with a list
> - in it

> > nested

After.
""",
    "wide": """\
Žluťoučký kůň 😀 👧 e\u0301

| 名前 | wert |
|---|---|
| 日本語 | 1 |
| 😀 | 22 |

日本語の長い文章は八十桁の端末で折り返されなければならないので、ここにはとても長い文章が書いてあります。
""",
    "html": """\
<div>A block of HTML</div>

A `List` of List<int> and Some <b>inline</b> HTML &amp; an &lt;entity&gt;, [bold]no markup of rich[/bold], :smile: no emoji.

<script>alert(1)</script>
""",
    "broken": """\
**never closed

| a | b |
| 1 | 2

- item
not indented

[half a link](http://

1) one
- other

``` python
never closed
    | a |
""",
    "links": """\
See [the docs][d] and [d].

[d]: https://docs.test/page

[e]: https://nobody.test

Done. [early][late]

[late]: https://late.test
""",
    "next actions": """\
Done.

```next_actions
- Show the table
- Count the rows
```
""",
    "rules": "a\n\n---\n\nb\n***\n\n\n\n\nc",
    "windows": "# T\r\n\r\nline\r\nline\r\n\r\n- a\r\n- b\r\n",
    "nothing": "\n\n   \n",
}
