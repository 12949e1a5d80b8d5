package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/penjire/penjire/sync/edoc/explain"
	"github.com/penjire/penjire/sync/edoc/seal"
)

// Sizes of what is looked at. A container may be larger than smallFile, then it
// is read from where it is.
const (
	maxFile   = 4 << 30
	smallFile = 64 << 20
)

// each checks what arg names, and gives each result to f: a file, a folder with
// everything below it, standard input, or, where no such file is, a seal. An
// error says what could not be looked at at all.
func (c check) each(arg string, f func(result)) error {
	if arg == "-" {
		return c.standardInput(f)
	}
	st, err := os.Stat(arg)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err != nil && len(arg) > 200:
		if s, serr := seal.Parse(arg); serr == nil {
			f(c.ofSeal("seal", s))
			return nil
		} else if strings.Contains(strings.ToUpper(arg), "/V/") {
			f(c.unreadable("seal", explain.ReasonSealUnreadable, serr))
			return nil
		}
		return fmt.Errorf("%q is neither a file nor a seal", short(arg))
	case err != nil:
		return fmt.Errorf("look at %q: %w", short(arg), err)
	case st.IsDir():
		return c.folder(arg, f)
	case !st.Mode().IsRegular():
		return fmt.Errorf("%q is no file but %s; give what it would say on standard input, with -", short(arg), kindOf(st.Mode()))
	}
	return c.file(arg, f)
}

func kindOf(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "something else"
}

// folder checks every *.asice below dir, in the order of their names. It follows
// no links, so that it comes to an end.
func (c check) folder(dir string, f func(result)) error {
	found := 0
	var faults []error
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil { // a folder that cannot be read does not hide the others
			faults = append(faults, fmt.Errorf("look into the folder: %w", err))
			return nil
		}
		if e.IsDir() || !strings.EqualFold(filepath.Ext(path), ".asice") {
			return nil
		}
		found++
		if !e.Type().IsRegular() {
			faults = append(faults, fmt.Errorf("%q is no file but %s, and was not looked at", path, linkOr(e.Type())))
			return nil
		}
		if err := c.file(path, f); err != nil {
			faults = append(faults, err)
		}
		return nil
	})
	if err == nil && found == 0 && faults == nil {
		err = fmt.Errorf("there is no *.asice in the folder %q", short(dir))
	}
	return errors.Join(append(faults, err)...)
}

func linkOr(m fs.FileMode) string {
	if m&fs.ModeSymlink != 0 {
		return "a link"
	}
	return kindOf(m)
}

func (c check) file(path string, f func(result)) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer func() { _ = file.Close() }() // nothing was written
	st, err := file.Stat()
	if err != nil {
		return fmt.Errorf("look at: %w", err)
	}
	f(c.one(path, file, st.Size()))
	return nil
}

// standardInput checks what comes in: from memory while it is small, else from a
// file without a name.
func (c check) standardInput(f func(result)) error {
	head, err := io.ReadAll(io.LimitReader(c.stdin, smallFile+1))
	if err != nil {
		return fmt.Errorf("read standard input: %w", err)
	}
	if len(head) <= smallFile {
		f(c.one("-", bytes.NewReader(head), int64(len(head))))
		return nil
	}
	tmp, err := os.CreateTemp("", "penjire-verify-*")
	if err != nil {
		return fmt.Errorf("keep standard input: %w", err)
	}
	defer func() { _ = tmp.Close() }()            // it has no name any more
	if err := os.Remove(tmp.Name()); err != nil { // nothing of it stays, whatever happens
		return fmt.Errorf("keep standard input: %w", err)
	}
	n, err := io.Copy(tmp, io.LimitReader(io.MultiReader(bytes.NewReader(head), c.stdin), maxFile+1))
	if err != nil {
		return fmt.Errorf("keep standard input: %w", err)
	}
	f(c.one("-", tmp, n))
	return nil
}

// readSmall reads a file that must be a regular one and not large.
func readSmall(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > smallFile {
		return nil, fmt.Errorf("%s is no file of at most %d bytes", path, smallFile)
	}
	return os.ReadFile(path)
}
