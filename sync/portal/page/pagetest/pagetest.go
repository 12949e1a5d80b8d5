// Package pagetest reads a page of the portal as a strict reader would: one
// heading, a language, every control with its label, no style and no script of
// its own, nothing from elsewhere.
package pagetest

import (
	"bytes"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/penjire/penjire/sync/portal/page"
)

// Faults returns what is wrong with the page b in lang. No faults: nil.
func Faults(b []byte, lang string) []string {
	doc, err := html.Parse(bytes.NewReader(b))
	if err != nil {
		return []string{fmt.Sprintf("it does not parse: %v", err)}
	}
	c := &checker{ids: map[string]int{}}
	c.walk(doc, false)
	if c.h1 != 1 {
		c.add("got %d h1, want 1", c.h1)
	}
	if c.lang != lang {
		c.add("html lang: got %q, want %q", c.lang, lang)
	}
	if strings.TrimSpace(c.title) == "" {
		c.add("there is no title")
	}
	for id, n := range c.ids {
		if n > 1 {
			c.add("id %q is there %d times", id, n)
		}
	}
	for _, k := range c.controls {
		if !slices.Contains(c.labels, k) {
			c.add("control %q has no label", k)
		}
	}
	for _, id := range c.refs {
		if c.ids[id] == 0 {
			c.add("something points at #%s, which is not there", id)
		}
	}
	if i := bytes.Index(b, []byte("%!")); i >= 0 {
		c.add("a text and its arguments do not fit: %q", b[i:min(len(b), i+40)])
	}
	return c.faults
}

type checker struct {
	faults   []string
	h1       int
	lang     string
	title    string
	level    int
	ids      map[string]int
	controls []string
	labels   []string
	refs     []string
}

func (c *checker) add(format string, a ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, a...))
}

func attr(n *html.Node, key string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val, true
		}
	}
	return "", false
}

func text(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var s strings.Builder
	for k := n.FirstChild; k != nil; k = k.NextSibling {
		s.WriteString(text(k))
	}
	return s.String()
}

func (c *checker) walk(n *html.Node, inForm bool) {
	if n.Type == html.ElementNode {
		c.element(n, inForm)
		inForm = inForm || n.DataAtom == atom.Form
	}
	for k := n.FirstChild; k != nil; k = k.NextSibling {
		c.walk(k, inForm)
	}
}

func (c *checker) element(n *html.Node, inForm bool) {
	for _, a := range n.Attr {
		if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
			c.add("<%s> has its own %s", n.Data, a.Key)
		}
		if (a.Key == "src" || a.Key == "href" || a.Key == "action") && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") {
			c.add("<%s %s=%q> leads elsewhere", n.Data, a.Key, a.Val)
		}
	}
	if id, ok := attr(n, "id"); ok {
		c.ids[id]++
	}
	if d, ok := attr(n, "aria-describedby"); ok {
		c.refs = append(c.refs, strings.Fields(d)...)
	}
	if h, ok := attr(n, "href"); ok && strings.HasPrefix(h, "#") {
		c.refs = append(c.refs, h[1:])
	}
	switch n.DataAtom {
	case atom.Html:
		c.lang, _ = attr(n, "lang")
	case atom.Title:
		c.title = text(n)
	case atom.H1, atom.H2, atom.H3, atom.H4:
		level := int(n.Data[1] - '0')
		if level == 1 {
			c.h1++
		}
		if level > c.level+1 && c.level > 0 {
			c.add("heading %q: level %d follows level %d", text(n), level, c.level)
		}
		c.level = level
		if strings.TrimSpace(text(n)) == "" {
			c.add("an empty <%s>", n.Data)
		}
	case atom.Script, atom.Style, atom.Iframe, atom.Object, atom.Embed, atom.Base:
		c.add("there is a <%s>", n.Data)
	case atom.Img:
		if _, ok := attr(n, "alt"); !ok {
			c.add("an <img> without alt")
		}
	case atom.Label:
		if f, ok := attr(n, "for"); ok && strings.TrimSpace(text(n)) != "" {
			c.labels = append(c.labels, f)
		}
	case atom.Input, atom.Textarea, atom.Select:
		if t, _ := attr(n, "type"); t == "hidden" {
			break
		}
		id, _ := attr(n, "id")
		c.controls = append(c.controls, id)
		if !inForm {
			c.add("control %q is in no form", id)
		}
	case atom.Button, atom.A:
		if name, _ := attr(n, "aria-label"); strings.TrimSpace(text(n)) == "" && name == "" {
			c.add("a <%s> without words", n.Data)
		}
	}
}

var inTemplate = regexp.MustCompile(`\.(?:T|N) "([^"]+)"`)

// Keys returns every text key that the templates in dir name outright.
func Keys(fsys fs.FS, dir string) ([]string, error) {
	var keys []string
	err := fs.WalkDir(fsys, dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(p, ".html") {
			return err
		}
		b, err := fs.ReadFile(fsys, p)
		if err != nil {
			return err
		}
		for _, m := range inTemplate.FindAllSubmatch(b, -1) {
			keys = append(keys, string(m[1]))
		}
		return nil
	})
	slices.Sort(keys)
	return slices.Compact(keys), err
}

// Missing returns the keys that t does not have.
func Missing(t *page.Texts, keys []string) []string {
	return slices.DeleteFunc(slices.Clone(keys), t.Has)
}
