package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// Schemas of the documents this package reads.
const (
	SchemaCatalogue = "catalogue/1"
	SchemaService   = "service/1"
	SchemaPack      = "pack/1"
)

// MaxSize is how many bytes a catalogue, pack or service may have.
const MaxSize = 4 << 20

// Pack is what authors write and hand in: some services and the agencies that
// answer them. Packs together make a [Catalogue].
type Pack struct {
	Schema   string    `json:"schema"` // "pack/1"
	Agencies []Agency  `json:"agencies,omitempty"`
	Services []Service `json:"services"`
}

// Parse reads a catalogue, strictly: unknown keys, keys given twice and
// anything [Catalogue.Lint] finds are refused, all at once.
func Parse(b []byte) (*Catalogue, error) {
	c := new(Catalogue)
	if err := decode(b, c); err != nil {
		return nil, fmt.Errorf("catalog: parse catalogue: %w", err)
	}
	if err := asError(c.Lint()); err != nil {
		return nil, fmt.Errorf("catalog: parse catalogue: %w", err)
	}
	return c, nil
}

// Marshal returns the catalogue as it is signed: the same catalogue gives the
// same bytes.
func (c *Catalogue) Marshal() ([]byte, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("catalog: marshal catalogue: %w", err)
	}
	return b, nil
}

// ParseService reads one service, as strictly as [Parse].
func ParseService(b []byte) (*Service, error) {
	s := new(Service)
	if err := decode(b, s); err != nil {
		return nil, fmt.Errorf("catalog: parse service: %w", err)
	}
	if err := asError(s.Lint()); err != nil {
		return nil, fmt.Errorf("catalog: parse service %q: %w", s.ID, err)
	}
	return s, nil
}

// ParsePack reads a pack, as strictly as [Parse]. Whether its services' agencies
// exist is seen when packs are put together by [Build].
func ParsePack(b []byte) (*Pack, error) {
	p := new(Pack)
	if err := decode(b, p); err != nil {
		return nil, fmt.Errorf("catalog: parse pack: %w", err)
	}
	if err := asError(p.Lint()); err != nil {
		return nil, fmt.Errorf("catalog: parse pack: %w", err)
	}
	return p, nil
}

// ReadPacks reads every *.json of fsys's top folder as a pack, in the order of
// their names. A folder without packs gives none. One faulty pack is an error
// that names its file: a register that silently lacks a service is worse.
func ReadPacks(fsys fs.FS) ([]*Pack, error) {
	names, err := fs.Glob(fsys, "*.json")
	if err != nil {
		return nil, fmt.Errorf("catalog: list packs: %w", err)
	}
	var out []*Pack
	for _, n := range names {
		b, err := fs.ReadFile(fsys, n)
		if err != nil {
			return nil, fmt.Errorf("catalog: read pack %s: %w", path.Base(n), err)
		}
		p, err := ParsePack(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path.Base(n), err)
		}
		out = append(out, p)
	}
	return out, nil
}

// Build puts packs together as one catalogue of that version. Of a service that
// comes more than once the highest version is taken; the same version with
// other contents is an error. The same holds for agencies, which must agree.
func Build(version uint64, packs ...*Pack) (*Catalogue, error) {
	c := &Catalogue{Schema: SchemaCatalogue, Version: version}
	for _, p := range packs {
		for _, a := range p.Agencies {
			if old, ok := c.Agency(a.ID); ok {
				if old != a {
					return nil, fmt.Errorf("catalog: build: two packs describe agency %q differently", a.ID)
				}
				continue
			}
			c.Agencies = append(c.Agencies, a)
		}
		for _, s := range p.Services {
			old, ok := c.Service(s.ID)
			switch {
			case !ok:
				c.Services = append(c.Services, s)
			case s.Version > old.Version:
				*old = s
			case s.Version == old.Version && !same(s, *old):
				return nil, fmt.Errorf("catalog: build: two packs have service %q version %d with other contents", s.ID, s.Version)
			}
		}
	}
	if err := asError(c.Lint()); err != nil {
		return nil, fmt.Errorf("catalog: build: %w", err)
	}
	return c, nil
}

func same(a, b Service) bool {
	x, err := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err == nil && err2 == nil && bytes.Equal(x, y)
}

// decode reads exactly one JSON value into v.
func decode(b []byte, v any) error {
	if len(b) > MaxSize {
		return fmt.Errorf("got %d bytes, want at most %d", len(b), MaxSize)
	}
	if err := unique(json.NewDecoder(bytes.NewReader(b)), 0); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is something after the end")
	}
	return nil
}

// maxNesting is how deep objects and lists may stand in each other; a service
// needs six.
const maxNesting = 16

// unique refuses a key given twice, in any case of letters: encoding/json would
// take one of them silently, and readers in other languages another.
func unique(d *json.Decoder, depth int) error {
	if depth > maxNesting {
		return fmt.Errorf("more than %d levels of objects and lists", maxNesting)
	}
	t, err := d.Token()
	if err != nil {
		return err
	}
	switch t {
	case json.Delim('{'):
		seen := map[string]bool{}
		for d.More() {
			k, err := d.Token()
			if err != nil {
				return err
			}
			key, _ := k.(string)
			folded := strings.ToLower(key)
			if seen[folded] {
				return fmt.Errorf("key %q is given twice", key)
			}
			seen[folded] = true
			if err := unique(d, depth+1); err != nil {
				return within(key, err)
			}
		}
	case json.Delim('['):
		for i := 0; d.More(); i++ {
			if err := unique(d, depth+1); err != nil {
				return within(fmt.Sprintf("[%d]", i), err)
			}
		}
	default:
		return nil
	}
	_, err = d.Token() // the closing bracket
	return err
}

func within(where string, err error) error { return fmt.Errorf("%s: %w", where, err) }
