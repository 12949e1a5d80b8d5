package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/sync/stick"
)

const setupHelp = `usage: penjire setup check FILE|-
       penjire setup write [--any-folder] FILE|- FOLDER
FOLDER is where a memory stick is mounted; the kiosk looks for setup.json in its root
`

// setupCommand is penjire setup check and write: a kiosk whose card was flashed without
// a set-up takes it from a memory stick.
func setupCommand(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	what := ""
	if len(args) > 0 {
		what, args = args[0], args[1:]
	}
	fs := flag.NewFlagSet("penjire setup "+what, flag.ContinueOnError)
	fs.Usage = func() { _, _ = fmt.Fprint(stderr, setupHelp) }
	anywhere := fs.Bool("any-folder", false, "")
	if st, done := parseFlags(fs, args, stderr); done {
		return st
	}
	if n := map[string]int{"check": 1, "write": 2}[what]; n == 0 || fs.NArg() != n {
		fs.Usage()
		return usage
	}
	fail := func(err error, hint string) int {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		if hint != "" {
			_, _ = fmt.Fprintf(stderr, "hint: %s\n", hint)
		}
		return bad
	}
	s, err := readSetup(fs.Arg(0), bufio.NewReader(stdin))
	if err != nil {
		return fail(err, "the portal's operator makes set-up files; see the runbook flash.md")
	}
	if what == "check" {
		_, _ = fmt.Fprintf(stdout, "%v\n", *s)
		return good
	}
	f, hint, err := stickFor(fs.Arg(1), *anywhere)
	if err != nil {
		return fail(err, hint)
	}
	b, err := s.Marshal()
	if err == nil {
		err = f.Put(ctx, enrol.SetupFile, [][]byte{b})
	}
	switch {
	case errors.Is(err, os.ErrExist):
		return fail(fmt.Errorf("%s has a %s already: %s", f.Path(), enrol.SetupFile, whose(f)), "a stick has the set-up of one kiosk: delete that one, or take another stick")
	case err != nil:
		return fail(err, "nothing was left on the stick, as far as it still obeys")
	}
	_, _ = fmt.Fprintf(stdout, "%s has the set-up of %v; it was read back.\nIt is a key until the kiosk has taken it: keep it like one. Before you pull the stick out: umount %s\n", f.Path(), *s, f.Path())
	return good
}

// stickFor returns the folder of a stick that a kiosk will read, and what to do where
// it would not.
func stickFor(folder string, anywhere bool) (*stick.Folder, string, error) {
	dir, err := filepath.Abs(folder)
	if err != nil {
		return nil, "", err
	}
	if anywhere {
		f, err := stick.OpenFolder(dir, "")
		return f, "", err
	}
	f, err := stick.OpenFolder(dir, "/")
	if err != nil {
		return nil, "lsblk says where the stick is mounted; --any-folder writes into a folder all the same", err
	}
	if _, err := stick.OpenFolder(dir, filepath.Dir(dir)); err != nil {
		return nil, "give the folder where the stick is mounted: the kiosk looks nowhere else", fmt.Errorf("%s is not the root of a stick", dir)
	}
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return nil, "", fmt.Errorf("look at %s: %w", dir, err)
	}
	switch uint32(st.Type) { //nolint:gosec // magic numbers have 32 bits
	case unix.MSDOS_SUPER_MAGIC, unix.EXFAT_SUPER_MAGIC, unix.EXT4_SUPER_MAGIC:
		return f, "", nil
	}
	return nil, "format it as FAT32 (mkfs.vfat), or take another stick", fmt.Errorf("%s has a file system that kiosks do not read: they read FAT, exFAT and ext4", dir)
}

// whose says of whom the set-up on a stick is, without its secrets.
func whose(f *stick.Folder) string {
	s, err := readSetup(filepath.Join(f.Path(), enrol.SetupFile), nil)
	if err != nil {
		return "one that is not whole"
	}
	return s.String()
}
