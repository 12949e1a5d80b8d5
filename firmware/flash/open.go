package flash

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// ErrRefused is returned for a medium that nothing may be written to.
var ErrRefused = errors.New("nothing is written there")

// Open opens m for writing, after a second look at whether that may be: what was
// mounted or plugged in since it was listed counts too.
func (s System) Open(m Medium) (Target, error) {
	now, err := s.Find(m.Path)
	if err != nil {
		return nil, err
	}
	if now.Bytes != m.Bytes || now.Model != m.Model {
		return nil, fmt.Errorf("flash: %s is another medium than before, %v: %w", m.Path, now, ErrRefused)
	}
	if len(now.Refused) > 0 {
		return nil, fmt.Errorf("flash: %s: %s: %w", m.Path, strings.Join(now.Refused, "; "), ErrRefused)
	}
	for _, name := range append([]string{m.Name}, m.Parts...) {
		what, err := s.member(name)
		if err != nil {
			return nil, err
		}
		if what != "" {
			return nil, fmt.Errorf("flash: %s is part of something larger (%s) that is not in use now: %w", name, what, ErrRefused)
		}
	}
	return OpenTarget(m.Path)
}

func (s System) member(name string) (what string, err error) {
	f, err := os.Open(filepath.Join(s.dev(), name))
	if err != nil {
		return "", fmt.Errorf("flash: look at %s: %w", name, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return "", fmt.Errorf("flash: measure %s: %w", name, err)
	}
	return Member(f, size)
}
