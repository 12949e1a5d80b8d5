package recording_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/link/recording"
)

// recordings are what can be read, and what each is.
var recordings = map[string][]recording.IO{
	"penjire line recording 1\n# remark\n\nw:1b40 r:72 initialize\nw: r:ff\nw:00 r: two words\n": {
		{Note: "initialize", W: []byte{0x1b, '@'}, R: []byte{0x72}},
		{W: []byte{}, R: []byte{0xff}},
		{Note: "two words", W: []byte{0}, R: []byte{}},
	},
}

// refused are what cannot, and why.
var refused = map[string]string{
	"":                                          "no exchange",
	"penjire line recording 1\n":                "no exchange",
	"penjire line recording 2\nw:00 r:\n":       "line 1",
	"penjire line recording 1\nw:0 r:\n":        `line 2: got field "w:0"`,
	"penjire line recording 1\nr:00 w:\n":       `got field "r:00"`,
	"penjire line recording 1\nw:00\n":          `got field ""`,
	"penjire line recording 1\nw: r: nothing\n": "nobody says anything",
}

func TestParse(t *testing.T) {
	for in, want := range recordings {
		if got, err := recording.Parse(strings.NewReader(in)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Parse(%q) = %+v, %v, want %+v", in, got, err, want)
		}
	}
	for in, want := range refused {
		if got, err := recording.Parse(strings.NewReader(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %+v, %v, want %q", in, got, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for in := range recordings {
		f.Add(in)
	}
	for in := range refused {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		ops, err := recording.Parse(strings.NewReader(in))
		if err != nil {
			return
		}
		var out strings.Builder
		out.WriteString(recording.Header + "\n")
		for _, op := range ops {
			out.WriteString(op.String() + "\n")
		}
		if again, err := recording.Parse(strings.NewReader(out.String())); err != nil || !reflect.DeepEqual(again, ops) {
			t.Errorf("Parse(%q) = %+v, written and parsed again %+v, %v", in, ops, again, err)
		}
	})
}

// pipes is a port that opens the near end of a new pipe each time.
type pipes struct{ far link.Line }

func (p *pipes) String() string { return "pipes" }

func (p *pipes) Open(context.Context) (link.Line, error) {
	near, far := link.Pipe("pipe", 64)
	p.far = far
	return near, nil
}

// TestFile: two openings of a port, with an answer in two parts, writes that are
// one exchange, and something the device says unasked.
func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recording")
	f, err := recording.Create(path, "a test\x1b[2J")
	if err != nil {
		t.Fatal(err)
	}
	dev := new(pipes)
	p := f.Port(dev)
	if p.String() != "pipes" {
		t.Errorf("String = %q, want the port's own", p)
	}
	said := func(l link.Line, host, answer string) {
		t.Helper()
		if host != "" {
			if _, err := l.Write([]byte(host)); err != nil {
				t.Fatal(err)
			}
		}
		for _, b := range []byte(answer) {
			if _, err := dev.far.Write([]byte{b}); err != nil {
				t.Fatal(err)
			}
			if n, err := l.Read(make([]byte, 8)); n != 1 || err != nil {
				t.Fatalf("Read = %d, %v, want 1", n, err)
			}
		}
	}
	for range 2 {
		l, err := p.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		said(l, "", "!")
		said(l, "a", "")
		said(l, "b", "12")
		said(l, "c", "")
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if f.Count() != 6 {
		t.Errorf("Count = %d, want 6", f.Count())
	}
	if err := f.Close(); err != nil {
		t.Errorf("Close = %v, want nil", err)
	}
	got, err := os.ReadFile(path)
	once := "# the line was opened\nw: r:21 before anything was asked\nw:6162 r:3132 exchange 2\nw:63 r: exchange 3\n"
	want := recording.Header + "\n# a test[2J\n# It holds all that went over the line, what was on a card or printed too.\n" + once + once
	if err != nil || string(got) != want {
		t.Errorf("file = %q, %v, want %q", got, err, want)
	}
	if ops, err := recording.Parse(bytes.NewReader(got)); err != nil || len(ops) != 6 {
		t.Errorf("Parse = %+v, %v, want six exchanges", ops, err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v, want 0600", st.Mode(), err)
	}
	if _, err := recording.Create(path, "again"); err == nil {
		t.Error("Create over a recording = nil, want an error")
	}
}

// TestWhatIsNotWrittenIsSaid: when the file is closed first, the driver goes on, and
// Close says that something is missing.
func TestWhatIsNotWrittenIsSaid(t *testing.T) {
	f, err := recording.Create(filepath.Join(t.TempDir(), "closed"), "x")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := f.Port(new(pipes)).Open(t.Context())
	if err != nil {
		t.Fatalf("Open when the recording is over = %v, want nil", err)
	}
	if _, err := l.Write([]byte("x")); err != nil {
		t.Errorf("Write = %v, want nil", err)
	}
	if err := f.Close(); err == nil {
		t.Error("Close again = nil, want what was not written")
	}
}
