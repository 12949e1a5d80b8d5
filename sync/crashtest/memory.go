//go:build linux && amd64

package crashtest

import (
	"bytes"
	"errors"
	"fmt"
)

func (tr *tracer) log(c Change) { tr.changes = append(tr.changes, c) }

func (tr *tracer) bytes(addr, n uint64) ([]byte, error) {
	b := make([]byte, n)
	if _, err := tr.mem.ReadAt(b, int64(addr)); err != nil {
		return nil, fmt.Errorf("read the traced child's memory: %w", err)
	}
	return b, nil
}

func (tr *tracer) path(addr uint64) (string, error) {
	b := make([]byte, 0, 256)
	for len(b) < 4096 {
		c, err := tr.bytes(addr+uint64(len(b)), 16)
		if err != nil {
			return "", err
		}
		if before, _, ok := bytes.Cut(c, []byte{0}); ok {
			return string(append(b, before...)), nil
		}
		b = append(b, c...)
	}
	return "", errors.New("path without end")
}
