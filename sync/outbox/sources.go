package outbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// sources are the raw files that a new one is made of: a damaged one, backups,
// mirrors.
type sources struct {
	files     []mediumReader
	found     map[id]at
	mustKiosk string
	torn      []string // backups that end in the middle
}

type mediumReader interface {
	io.ReaderAt
	io.Closer
	Stat() (os.FileInfo, error)
}

// file adds what can be found in a file of any kind.
func (s *sources) file(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("outbox: salvage: %w", err)
	}
	return s.add(f)
}

func (s *sources) add(f mediumReader) error {
	s.files = append(s.files, f)
	r, err := sizeOf(f)
	if err != nil {
		return err
	}
	scanInto(r, len(s.files)-1, s.found)
	return nil
}

func (s *sources) value(w at) (value, error) {
	raw := make([]byte, w.length)
	if _, err := s.files[w.file].ReadAt(raw, w.offset); err != nil {
		return value{}, fmt.Errorf("outbox: salvage: %w", err)
	}
	v, _, err := parseValue(raw)
	return v, err
}

func (s *sources) close() error {
	var errs []error
	for _, f := range s.files {
		if err := f.Close(); err != nil {
			errs = append(errs, fmt.Errorf("outbox: salvage: %w", err))
		}
	}
	return errors.Join(errs...)
}

// mirrorRead is how long a salvage waits for the mirror. What it then does not
// get stays there, and MirrorAhead says so.
const mirrorRead = 20 * time.Second

// mirror adds what is on the mirror, if there is one and it answers.
func (s *sources) mirror(o Options) {
	var m medium = folder(o.Mirror)
	if o.medium != nil {
		m = o.medium
	} else if o.Mirror == "" {
		return
	}
	got := make(chan *sources, 1)
	go func() { got <- readMirror(m, o.Kiosk) }()
	t := time.NewTimer(mirrorRead)
	defer t.Stop()
	select {
	case <-t.C:
	case more := <-got:
		if more != nil {
			s.join(more)
		}
	}
}

// readMirror reads a mirror of the kiosk; nil where there is none.
func readMirror(m medium, kiosk string) *sources {
	names, err := m.list()
	if err != nil {
		return nil
	}
	s := &sources{found: map[id]at{}, mustKiosk: kiosk}
	for _, name := range names {
		f, err := m.open(name)
		if err != nil {
			continue
		}
		r, err := sizeOf(f)
		if err == nil {
			var st copyState
			if st, err = readCopy(r); err == nil && st.kiosk != "" && st.kiosk != kiosk {
				err = errMirrorForeign
			}
		}
		if err == nil {
			err = s.add(f)
		} else {
			_ = f.Close() // nothing was written
		}
		if errors.Is(err, errMirrorForeign) {
			_ = s.close()
			return nil
		}
	}
	return s
}

// join takes over what more found.
func (s *sources) join(more *sources) {
	n := len(s.files)
	s.files = append(s.files, more.files...)
	for k, w := range more.found {
		w.file += n
		if old, ok := s.found[k]; !ok || w.revision > old.revision {
			s.found[k] = w
		}
	}
}

// kiosks returns whose the values are, by the files' own records and the marks.
func (s *sources) kiosks() ([]string, error) {
	var out []string
	for k, w := range s.found {
		if k.kind != kindMeta && k.kind != kindMark {
			continue
		}
		v, err := s.value(w)
		if err != nil {
			return nil, err
		}
		name := ""
		if k.kind == kindMeta {
			m, err := parseMeta(v.payload, false)
			if err != nil {
				continue
			}
			name = m.Kiosk
		} else if m, err := parseMark(v.payload, false); err == nil {
			name = m.Kiosk
		}
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out, nil
}
