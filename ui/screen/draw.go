package screen

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
)

//go:embed tpl/*.html
var files embed.FS

var pages = parse()

// parse reads the frame and the parts once, and lays each page's own file over
// a copy of them.
func parse() map[Name]*template.Template {
	base := template.Must(template.New("frame.html").Option("missingkey=error").
		ParseFS(files, "tpl/frame.html", "tpl/part_*.html"))
	all := map[Name]*template.Template{}
	for _, n := range Names() {
		t := template.Must(base.Clone())
		all[n] = template.Must(t.ParseFS(files, "tpl/"+string(n)+".html"))
	}
	return all
}

// Names returns every page there is, in the order of a visit.
func Names() []Name {
	return []Name{
		Start, Home, Services, Service, Rules, Card, IsThisYou, Question, Check, PIN, Working,
		Done, TakeCard, Requests, Track, Seal, Status, Answer, Problem, Ended, Help, Away, Assist,
		FirstList, FirstChoose, FirstField,
	}
}

// Draw writes the page of v as HTML. It writes nothing before the whole page
// is made, so a page that cannot be drawn is an error and never half a page.
func Draw(w io.Writer, v View) error {
	t := pages[v.Screen]
	if t == nil {
		return fmt.Errorf("screen: draw %q: there is no such page", v.Screen)
	}
	p, err := newPage(v)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return fmt.Errorf("screen: draw %q: %w", v.Screen, err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("screen: draw %q: write: %w", v.Screen, err)
	}
	return nil
}
