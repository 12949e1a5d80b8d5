// Command mkimage builds the image of a board: what is written to a card or disk,
// and the bundle that updates one.
//
//	mkimage -board vm -out bin/image
//	mkimage -board vm -lock boards/image/packages
//
// The first needs root's rights or user namespaces (for mmdebstrap) and the
// programs mmdebstrap, dpkg-deb, mksquashfs, mtools, mke2fs and rauc. What is
// fetched and the root file system that Debian's packages make are kept in a cache
// (-cache): a second build takes a minute, not ten.
//
// The second asks apt what the packages are today and writes the lists that pin
// them.
//
//	mkimage -board vm -out bin/image/again -fresh
//	mkimage -board vm -out bin/image/again -compare bin/image
//
// build once more, from the packages alone, and compare the two builds.
//
// Exit statuses: 0 done, 1 something broke or differs, 2 wrong arguments.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/penjire/penjire/boards/image/lock"
	"github.com/penjire/penjire/boards/image/recipe"
	"github.com/penjire/penjire/boards/layout"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

// options are what the command line says.
type options struct {
	board      recipe.Board
	layout     layout.Layout
	out, cache string
	version    string
	source     string // folder of the sources
	seed       string // content of the data partition
	key, cert  string // that sign the bundle
	keyring    string // whose bundles the image takes
	lockTo     string
	against    string // folder of another build, to compare with
	fresh      bool   // install the packages although the cache has what they make
	keyringApt string
	level      int
	mirrors    lock.Mirrors
	log        io.Writer
}

func run(args []string, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "mkimage: %v\n", err)
		return 2
	}
	do := o.build
	switch {
	case o.lockTo != "":
		do = o.refresh
	case o.against != "":
		do = o.compare
	}
	if err := do(ctx); err != nil {
		_, _ = fmt.Fprintf(stderr, "mkimage: %v\n", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (o options, err error) {
	o.log, o.mirrors = stderr, lock.Mirrors{}
	fs := flag.NewFlagSet("mkimage", flag.ContinueOnError)
	fs.SetOutput(stderr)
	board := fs.String("board", "", "the `board`: "+strings.Join(layout.Boards(), ", "))
	fs.StringVar(&o.out, "out", "bin/image", "`folder` for what is built")
	fs.StringVar(&o.cache, "cache", "", "`folder` for what is fetched and kept; \"\" is penjire/image in the user's cache folder")
	fs.StringVar(&o.version, "version", "", "`version` of the software; \"\" is made from the sources' commit")
	fs.StringVar(&o.source, "source", ".", "`folder` of the sources")
	fs.StringVar(&o.seed, "data", "", "`folder` whose content the data partition begins with: for tests")
	fs.StringVar(&o.key, "key", "", "PEM `file` of the key that signs the bundle; \"\": a developer's key is made and kept in the cache")
	fs.StringVar(&o.cert, "cert", "", "PEM `file` of its certificate")
	fs.StringVar(&o.keyring, "keyring", "", "PEM `file` of the certificates whose bundles the image takes; \"\" is cert's")
	fs.StringVar(&o.lockTo, "lock", "", "write the lists of packages to this `folder`, and build nothing")
	fs.StringVar(&o.against, "compare", "", "compare what is in -out with the build in this `folder`, and build nothing")
	fs.BoolVar(&o.fresh, "fresh", false, "install the packages anew, whatever the cache has")
	fs.StringVar(&o.keyringApt, "archive-keyring", "/usr/share/keyrings/debian-archive-keyring.gpg", "`file` of the keys that sign Debian's archives")
	fs.IntVar(&o.level, "level", 15, "how hard the root file system is compressed, 1 to 22")
	fs.Func("mirror", "`ARCHIVE=URL` instead of apt's own mirror; ARCHIVE is debian or debian-security", func(s string) error {
		a, u, ok := strings.Cut(s, "=")
		if !ok {
			return errors.New("want ARCHIVE=URL")
		}
		o.mirrors[lock.Archive(a)] = strings.TrimSuffix(u, "/") + "/"
		return nil
	})
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if fs.NArg() > 0 || *board == "" {
		return o, errors.New("usage: mkimage -board BOARD -out FOLDER")
	}
	if (o.key == "") != (o.cert == "") {
		return o, errors.New("-key and -cert go together")
	}
	if o.board, err = recipe.For(*board); err != nil {
		return o, err
	}
	if o.layout, err = layout.For(*board); err != nil {
		return o, err
	}
	if o.cache == "" {
		c, err := os.UserCacheDir()
		if err != nil {
			return o, fmt.Errorf("no cache folder: %w; say -cache", err)
		}
		o.cache = filepath.Join(c, "penjire", "image")
	}
	for _, p := range []*string{&o.out, &o.cache, &o.source, &o.against} {
		if *p == "" {
			continue
		}
		if *p, err = filepath.Abs(*p); err != nil {
			return o, err
		}
	}
	return o, nil
}

func (o options) say(format string, args ...any) {
	_, _ = fmt.Fprintf(o.log, "mkimage: "+format+"\n", args...)
}
