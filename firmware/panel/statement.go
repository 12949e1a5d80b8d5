// Package panel is the kiosk's screen while there is no browser on it: it shows what
// the programs of the kiosk say of themselves. They say it in files of one folder,
// /run/penjire/panel, one file each, and the gravest is shown; package ui/panel draws
// it, drivers/framebuffer puts it on the screen.
//
// It works with nothing else running: no daemon, no data partition, no network.
package panel

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/penjire/penjire/ui/panel"
)

// Dir is the folder of the statements in the image. It is gone after each boot.
const Dir = "/run/penjire/panel"

// Statement is what one program says. It names no one: whoever passes by reads it.
type Statement struct {
	Show      panel.Kind   `json:"show,omitempty"` // "": nothing to show, only the rest
	Hint      panel.Hint   `json:"hint,omitempty"` // goes with Show
	Steps     []panel.Step `json:"steps,omitempty"`
	Phone     string       `json:"phone,omitempty"`     // of who helps citizens
	Detail    []string     `json:"detail,omitempty"`    // for the technician: "K-000001", "1.4.2", a code
	Developer bool         `json:"developer,omitempty"` // the software is a developer's: not for service
}

// Limits of a statement: it is shown, and a program that ran wild wrote it.
const (
	maxSize   = 16 << 10
	maxSteps  = 8
	maxDetail = 8
	maxText   = 40
)

var (
	whoForm   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
	phoneForm = regexp.MustCompile(`^\+?[0-9][0-9 ()-]{1,24}$`)
)

// Check returns what is wrong with s, if anything.
func (s Statement) Check() error {
	if s.Show != "" && !slices.Contains(panel.Kinds(), s.Show) {
		return fmt.Errorf("show: got %q, want one of %q", s.Show, panel.Kinds())
	}
	if s.Hint != "" && (s.Show == "" || !slices.Contains(panel.Hints(), s.Hint)) {
		return fmt.Errorf("hint: got %q with show %q, want one of %q with something to show", s.Hint, s.Show, panel.Hints())
	}
	if len(s.Steps) > maxSteps || len(s.Detail) > maxDetail {
		return fmt.Errorf("got %d steps and %d details, want at most %d and %d", len(s.Steps), len(s.Detail), maxSteps, maxDetail)
	}
	states := []panel.State{panel.Todo, panel.Now, panel.Done, panel.Failed, panel.Unknown}
	for i, t := range s.Steps {
		if !slices.Contains(panel.Steps(), t.Name) || !slices.Contains(states, t.State) {
			return fmt.Errorf("steps[%d]: got %q in state %q, want one of %q in one of %q", i, t.Name, t.State, panel.Steps(), states)
		}
	}
	if s.Phone != "" && !phoneForm.MatchString(s.Phone) {
		return fmt.Errorf("phone: got %q, want digits and spaces", s.Phone)
	}
	for i, d := range s.Detail {
		if len(d) > maxText || strings.ContainsFunc(d, func(r rune) bool { return r < ' ' || r > '~' }) {
			return fmt.Errorf("detail[%d]: got %q, want at most %d printable ASCII letters", i, d, maxText)
		}
	}
	return nil
}

// Say makes s what who says; it replaces what who said before, at once. The folder is
// made if it is not there. Nothing of it is durable.
func Say(dir, who string, s Statement) error {
	err := s.Check()
	if err == nil && !whoForm.MatchString(who) {
		err = fmt.Errorf("got the name %q, want small letters", who)
	}
	if err != nil {
		return fmt.Errorf("panel: say: %w", err)
	}
	b, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("panel: say: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("panel: say: %w", err)
	}
	f, err := os.CreateTemp(dir, ".say-*")
	if err != nil {
		return fmt.Errorf("panel: say: %w", err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file(dir, who))
	}
	if err != nil {
		return fmt.Errorf("panel: say: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// Unsay takes back what who said, if anything.
func Unsay(dir, who string) error {
	if err := os.Remove(file(dir, who)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("panel: unsay: %w", err)
	}
	return nil
}

func file(dir, who string) string { return filepath.Join(dir, filepath.Base(who)+".json") }

// Parse reads a statement strictly.
func Parse(b []byte) (Statement, error) {
	if len(b) > maxSize {
		return Statement{}, fmt.Errorf("panel: got %d bytes, want at most %d", len(b), maxSize)
	}
	var s Statement
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return Statement{}, fmt.Errorf("panel: read a statement: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Statement{}, errors.New("panel: something follows the statement")
	}
	if err := s.Check(); err != nil {
		return Statement{}, fmt.Errorf("panel: %w", err)
	}
	return s, nil
}

// Heard returns all that is said, put together: the gravest kind with its steps, and
// everybody's details in the order of their names. What cannot be read is left out,
// and said in the error.
func Heard(dir string) (Statement, error) {
	names, _ := filepath.Glob(filepath.Join(dir, "*.json")) // sorted; the pattern is in order
	var out Statement
	var errs []error
	rank := len(panel.Kinds())
	for _, n := range names {
		b, err := readSome(n)
		var s Statement
		if err == nil {
			s, err = Parse(b)
		}
		if err != nil {
			if !errors.Is(err, os.ErrNotExist) { // it was just taken back
				errs = append(errs, fmt.Errorf("%s: %w", filepath.Base(n), err))
			}
			continue
		}
		if i := slices.Index(panel.Kinds(), s.Show); i >= 0 && i < rank {
			rank, out.Show, out.Steps, out.Hint = i, s.Show, s.Steps, s.Hint
		} else if i == rank && out.Hint == "" {
			out.Hint = s.Hint
		}
		if out.Phone == "" {
			out.Phone = s.Phone
		}
		out.Developer = out.Developer || s.Developer
		for _, d := range s.Detail {
			if !slices.Contains(out.Detail, d) {
				out.Detail = append(out.Detail, d)
			}
		}
	}
	return out, errors.Join(errs...)
}

func readSome(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	return b, errors.Join(err, f.Close())
}
