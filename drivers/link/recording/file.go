package recording

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/penjire/penjire/drivers/link"
)

// File is a recording that is being made. See the package for what it holds.
//
// Contract: each exchange is handed to the kernel when the next begins. What could
// not be written is what Close says.
type File struct {
	mu    sync.Mutex
	f     *os.File
	w     *bufio.Writer
	count int
	err   error
}

// Create begins a recording at path, where nothing may be. About says in one line
// what is recorded.
func Create(path, about string) (*File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	r := &File{f: f, w: bufio.NewWriter(f)}
	r.line(Header)
	r.line("# " + link.Printable(about))
	r.line("# It holds all that went over the line, what was on a card or printed too.")
	if r.err != nil {
		return nil, errors.Join(r.err, f.Close(), os.Remove(path))
	}
	return r, nil
}

func (f *File) line(s string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return
	}
	_, err := f.w.WriteString(s + "\n")
	if err == nil {
		err = f.w.Flush()
	}
	if err != nil {
		f.err = fmt.Errorf("recording: %w", err)
	}
}

// Count returns how many exchanges are written.
func (f *File) Count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

// Remark writes one line for who reads the file.
func (f *File) Remark(s string) { f.line(strings.TrimRight("# "+link.Printable(s), " ")) }

func (f *File) put(op IO) {
	f.line(op.String())
	f.mu.Lock()
	f.count++
	f.mu.Unlock()
}

// Close ends the recording. Lines that are open are not waited for: what is said
// on them from now on is not written.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := errors.Join(f.err, f.f.Close())
	if f.err == nil {
		f.err = os.ErrClosed
	}
	return err
}

// Port returns p with its lines recorded in f.
func (f *File) Port(p link.Port) link.Port { return port{p, f} }

type port struct {
	link.Port
	f *File
}

// Open implements link.Port.
func (p port) Open(ctx context.Context) (link.Line, error) {
	l, err := p.Port.Open(ctx)
	if err != nil {
		return nil, err
	}
	p.f.Remark("the line was opened")
	return On(l, p.f.put), nil
}
