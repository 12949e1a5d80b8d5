package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/penjire/penjire/sync/catalog"
)

// Faults is everything that is wrong with the settings, by field path.
type Faults []string

// Error implements error: one fault a line.
func (f Faults) Error() string { return strings.Join(f, "\n") }

// node is a value in the settings and where it stands. v is nil where the file
// says nothing.
type node struct {
	path string
	v    any
	fs   *Faults
}

func (n node) fault(format string, args ...any) {
	*n.fs = append(*n.fs, n.path+": "+fmt.Sprintf(format, args...))
}

// key returns the value under k.
func (n node) key(k string) node {
	m, ok := n.v.(map[string]any)
	if n.v != nil && !ok {
		return node{n.path + "." + k, nil, n.fs}
	}
	return node{n.path + "." + k, m[k], n.fs}
}

// only reports keys other than these, and a value that is no object.
func (n node) only(keys ...string) {
	if n.v == nil {
		return
	}
	m, ok := n.v.(map[string]any)
	if !ok {
		n.fault("got %s, want an object", kind(n.v))
		return
	}
next:
	for k := range m {
		for _, have := range keys {
			if k == have {
				continue next
			}
		}
		node{n.path + "." + k, nil, n.fs}.fault("there is no such setting")
	}
}

// must reports a value that is missing or empty.
func (n node) must() node {
	if n.v == nil || n.v == "" {
		n.fault("missing")
	}
	return n
}

func (n node) text() string {
	if n.v == nil {
		return ""
	}
	s, ok := n.v.(string)
	if !ok {
		n.fault("got %s, want a text", kind(n.v))
	}
	return s
}

var names = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$`)

func (n node) name() string {
	s := n.text()
	if n.v != nil && !names.MatchString(s) {
		n.fault("got %q, want 1 to 40 letters, digits, _ and -", s)
	}
	return s
}

// file returns a path, below dir if it is relative.
func (n node) file(dir string) string {
	s := n.text()
	if s == "" || filepath.IsAbs(s) {
		return s
	}
	return filepath.Join(dir, s)
}

var phoneForm = regexp.MustCompile(`^\+?[0-9][0-9 ()-]{1,24}$`)

// phone is a telephone number as people write it.
func (n node) phone() string {
	s := n.text()
	if n.v != nil && !phoneForm.MatchString(s) {
		n.fault("got %q, want a telephone number", s)
		return ""
	}
	return s
}

func (n node) number(lo, hi float64) float64 {
	if n.v == nil {
		return 0
	}
	num, ok := n.v.(json.Number)
	if !ok {
		n.fault("got %s, want a number", kind(n.v))
		return 0
	}
	f, err := num.Float64()
	if err != nil || f < lo || f > hi {
		n.fault("got %s, want %g to %g", num, lo, hi)
		return 0
	}
	return f
}

func (n node) place() catalog.Text {
	n.only("tk", "ru", "en")
	return catalog.Text{TK: n.key("tk").text(), RU: n.key("ru").text(), EN: n.key("en").text()}
}

// loopback returns a host:port that only this machine can reach: the screens
// are for the kiosk's own browser (EP-21, DESIGN 12).
func (n node) loopback() string {
	s := n.text()
	if s == "" {
		return ""
	}
	host, port, err := net.SplitHostPort(s)
	if _, perr := strconv.ParseUint(port, 10, 16); err == nil && perr != nil {
		err = perr
	}
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		n.fault("got %q, want a loopback address and port", s)
	}
	return s
}

// origins returns a list of http origins on loopback, with spaces between. They
// go into a Content-Security-Policy, so nothing else may pass.
func (n node) origins() string {
	s := n.text()
	for o := range strings.FieldsSeq(s) {
		u, err := url.Parse(o)
		if err != nil {
			n.fault("got %q, want http://host:port on loopback", o)
			continue
		}
		ours := u.Scheme == "http" && u.Port() != "" && o == "http://"+u.Host
		if ip := net.ParseIP(u.Hostname()); !ours || u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
			n.fault("got %q, want http://host:port on loopback", o)
		}
	}
	return strings.Join(strings.Fields(s), " ")
}

func (n node) portal() Portal {
	n.only("url", "est", "public_url", "server_name", "line")
	p := Portal{
		URL: n.key("url").must().text(), EST: n.key("est").text(), PublicURL: n.key("public_url").text(), ServerName: n.key("server_name").text(),
		Line: n.key("line").line(),
	}
	if u, err := url.Parse(p.URL); n.key("url").v != nil && (err != nil || u.Scheme != "wss" || u.Hostname() == "") {
		n.key("url").fault("got %q, want wss://host:port/path", p.URL)
	}
	if u, err := url.Parse(p.EST); p.EST != "" && (err != nil || p.EST != "https://"+u.Host || u.Hostname() == "") {
		n.key("est").fault("got %q, want https://host:port", p.EST)
	}
	if u, err := url.Parse(p.PublicURL); p.PublicURL != "" && (err != nil || u.Hostname() == "" ||
		u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "") {
		// It is printed, and what is printed into a code is followed by more.
		n.key("public_url").fault("got %q, want https://host", p.PublicURL)
	}
	return p
}

func (n node) line() Line {
	if n.v == nil {
		return Line{}
	}
	n.only("device", "baud", "half_duplex")
	return Line{
		Device: n.key("device").must().text(), Baud: int(n.key("baud").number(300, 4_000_000)), HalfDuplex: n.key("half_duplex").yes(),
	}
}

func (n node) yes() bool {
	b, ok := n.v.(bool)
	if n.v != nil && !ok {
		n.fault("got %s, want true or false", kind(n.v))
	}
	return b
}

func (p Portal) host() string {
	u, err := url.Parse(p.URL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func kind(v any) string {
	switch v.(type) {
	case string:
		return "a text"
	case json.Number:
		return "a number"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "null"
}

// Decode reads one JSON object and refuses repeated keys, which encoding/json
// would let pass. Numbers are json.Number.
func Decode(b []byte) (map[string]any, error) {
	v, err := decode(b)
	if err != nil {
		return nil, err
	}
	return v.(map[string]any), nil // decode refuses everything else
}

// decode reads one JSON value and refuses repeated keys, which encoding/json
// would let pass.
func decode(b []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	v, err := value(d, "settings")
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("something follows the settings")
	}
	if _, ok := v.(map[string]any); !ok {
		return nil, Faults{"settings: got " + kind(v) + ", want an object"}
	}
	return v, nil
}

func value(d *json.Decoder, path string) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	switch t {
	case json.Delim('{'):
		m := map[string]any{}
		for d.More() {
			k, err := d.Token()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			p := path + "." + k.(string)
			if _, twice := m[k.(string)]; twice {
				return nil, fmt.Errorf("%s: it is there twice", p)
			}
			if m[k.(string)], err = value(d, p); err != nil {
				return nil, err
			}
		}
		_, err := d.Token()
		return m, err
	case json.Delim('['):
		l := []any{}
		for d.More() {
			e, err := value(d, path+"[]")
			if err != nil {
				return nil, err
			}
			l = append(l, e)
		}
		_, err := d.Token()
		return l, err
	}
	return t, nil
}
