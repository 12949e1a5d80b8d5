// Package visitor is a citizen in a hurry at a kiosk's screens, for tests: it fills
// in forms as a browser without JavaScript does, and a page that does not come, since
// somebody pulled the plug, is no failure of it.
package visitor

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"golang.org/x/net/html"
)

// Answers to every question of the services, by row name.
var Answers = map[string]string{
	"purpose": "work", "at_registered": "no", "region": "lebap", "settlement": "Nusga obasy",
	"street": "Magtymguly şaýoly", "house": "12", "since": "2019-03-01", "family": "3", "phone": "+993 65 12 34 56",
	"profession": "Tikinçi", "education": "secondary", "experience": "7", "last_work": "Nusga kärhanasy", "skills": "sewing", "wanted": "Tikinçi",
	"work_time": "full", "ready": inDays(7), "about": "", "email": "", "privacy": "open", "retention": "6m",
	"subject": "quality", "body": "Nusga edarasy", "day": inDays(-2), "what": "Hyzmat berilmedi, sebäbi aýdylmady.", "wish": "Jogap beriň.", "call": "no",
}

func inDays(n int) string { return time.Now().AddDate(0, 0, n).Format(time.DateOnly) }

// TrackingCode is a request's code as screens show it.
var TrackingCode = regexp.MustCompile(`[0-9A-HJKMNP-TV-Z]{5}·[0-9A-HJKMNP-TV-Z]{5}`)

// Complain makes a complaint at the kiosk whose screens are at that URL and returns
// the code that the done page shows. An error says that a page did not come, in time
// or at all.
func Complain(c *http.Client, kiosk, what string) (string, error) {
	v := visit{c: c, at: kiosk}
	said := map[string]string{}
	maps.Copy(said, Answers)
	said["what"] = what
	if err := v.post("begin", "lang", "ru"); err != nil {
		return "", err
	}
	steps := [][]string{{"apply"}, {"choose", "service", "complaint"}, {"begin"}}
	for _, s := range steps {
		if err := v.post(s[0], s[1:]...); err != nil {
			return "", err
		}
	}
	for range 100 {
		var err error
		row, question := strings.CutPrefix(v.page, "question/")
		switch {
		case v.page == "rules":
			err = v.post("accept")
		case v.page == "check":
			err = v.post("confirm")
		case question:
			err = v.post("answer", Form(row, said[row])...)
		case v.page == "working":
			err = v.look()
		case v.page == "done":
			code, err := edoc.ParseCode(TrackingCode.FindString(v.text))
			return code, errors.Join(err, v.post("end"))
		default:
			return "", fmt.Errorf("on page %s", v.page)
		}
		if err != nil {
			return "", err
		}
	}
	return "", errors.New("a hundred pages and not done")
}

// Form is what a question's form sends for an answer: names and values.
func Form(row, answer string) []string {
	if d, err := time.Parse(time.DateOnly, answer); err == nil {
		return []string{"row", row, row + ".day", d.Format("2"), row + ".month", d.Format("1"), row + ".year", d.Format("2006")}
	}
	return []string{"row", row, row, answer}
}

// visit is one that goes on.
type visit struct {
	c          *http.Client
	at         string
	page, text string
}

func (v *visit) post(name string, kv ...string) error {
	f := url.Values{}
	for i := 0; i < len(kv); i += 2 {
		f.Set(kv[i], kv[i+1])
	}
	r, err := v.c.PostForm(v.at+"/"+name, f)
	return v.read(r, err)
}

func (v *visit) look() error {
	r, err := v.c.Get(v.at)
	return v.read(r, err)
}

func (v *visit) read(r *http.Response, err error) error {
	if err != nil {
		return err
	}
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %w", r.Status, errors.Join(err, errors.ErrUnsupported))
	}
	v.at = r.Request.URL.String()
	v.page, v.text = Words(string(body))
	return nil
}

// Words returns a page's name and all its visible text.
func Words(body string) (page, text string) {
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		return "", ""
	}
	var b strings.Builder
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == "body" {
			for _, a := range n.Attr {
				if a.Key == "data-page" {
					page = a.Val
				}
			}
		}
		if n.Type == html.TextNode && n.Parent.Data != "script" && n.Parent.Data != "noscript" {
			if s := strings.TrimSpace(n.Data); s != "" {
				b.WriteString(s + "\n")
			}
		}
	}
	return page, b.String()
}
