package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/penjire/penjire/boards/image/lock"
	"github.com/penjire/penjire/boards/image/recipe"
	"github.com/penjire/penjire/boards/image/tree"
	"github.com/penjire/penjire/boards/layout"
)

// builder is one build under way.
type builder struct {
	options
	tmp     string
	release layout.Release
	keys    keys
	loaders []lock.Package
	kernel  map[string][]byte // of the boot partition
	dpkg    []byte            // Debian's own list of what is installed
	started time.Time
}

func (b *builder) file(name string) string { return filepath.Join(b.tmp, name) }

func (b *builder) all(ctx context.Context, base string, all, loader []lock.Package) error {
	b.loaders = loader
	steps := []struct {
		what string
		do   func() error
	}{
		{"root file system", func() error { return b.root(ctx, base) }},
		{"what U-Boot starts", func() error { return b.prepare(ctx) }},
		{"partitions", b.parts},
		{"medium", b.compose},
		{"manifest", b.manifest},
		{"bundle", func() error { return b.bundle(ctx) }},
		{"bill of materials", func() error { return b.bill(all) }},
		{"sizes", b.sizes},
	}
	for _, s := range steps {
		at := time.Now()
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %w", s.what, err)
		}
		b.say("%s: %.1f s", s.what, time.Since(at).Seconds())
	}
	return nil
}

// release says what is built: its time is the sources', or SOURCE_DATE_EPOCH.
func (o options) release(ctx context.Context) (layout.Release, error) {
	r := layout.Release{Version: o.version, Board: o.board.Name, DataFormat: layout.DataFormat}
	git := func(args ...string) (string, error) {
		c := exec.CommandContext(ctx, "git", args...)
		c.Dir = o.source
		out, err := c.Output()
		return strings.TrimSpace(string(out)), err
	}
	epoch := os.Getenv("SOURCE_DATE_EPOCH")
	if epoch == "" {
		var err error
		if epoch, err = git("log", "-1", "--format=%ct"); err != nil {
			return r, fmt.Errorf("when the sources are from: %w: outside a repository say SOURCE_DATE_EPOCH", err)
		}
	}
	s, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil || s <= 0 {
		return r, fmt.Errorf("SOURCE_DATE_EPOCH: got %q, want seconds since 1970", epoch)
	}
	r.Build = time.Unix(s, 0).UTC()
	if r.Version == "" {
		commit, err := git("rev-parse", "--short=12", "HEAD")
		if err != nil {
			return r, fmt.Errorf("what the sources are: %w: outside a repository say -version", err)
		}
		r.Version = "0." + r.Build.Format("20060102.150405") + "+" + commit
	}
	return r, nil
}

// programs are ours, in /usr/bin.
var programs = []string{"penjired", "penjire", "penjire-screen"}

// buildPrograms builds ours for the board and puts them in.
func (b *builder) buildPrograms(ctx context.Context, c *tree.Changes) error {
	for _, name := range programs {
		to := b.file(name)
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
			"-ldflags=-s -w -buildid= -X main.version="+b.release.Version, "-o", to, "./firmware/cmd/"+name)
		cmd.Dir = b.source
		cmd.Env = append(environ("GOARCH", "GOOS", "CGO_ENABLED", "GOFLAGS"), "GOOS=linux", "GOARCH="+b.board.Arch, "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w: %s", name, err, strings.TrimSpace(string(out)))
		}
		body, err := os.ReadFile(to)
		if err != nil {
			return err
		}
		c.Files["usr/bin/"+name] = tree.File{Mode: 0o755, Body: body}
	}
	return nil
}

// facts puts in what the image says about itself.
func (b *builder) facts(c *tree.Changes) error {
	r, err := json.MarshalIndent(b.release, "", "  ")
	if err != nil {
		return err
	}
	board, err := b.about()
	if err != nil {
		return err
	}
	for at, body := range map[string][]byte{
		layout.ReleaseFile: append(r, '\n'), layout.BoardFile: board, layout.Keyring: b.keys.ring, "/usr/lib/clock-epoch": nil,
	} {
		c.Files[strings.TrimPrefix(at, "/")] = tree.File{Mode: 0o644, Body: body}
	}
	return nil
}

// about returns what the sources say of the board.
func (b *builder) about() ([]byte, error) {
	body, err := os.ReadFile(filepath.Join(b.source, "boards", b.board.Name, "board.json"))
	if err != nil {
		return nil, fmt.Errorf("the board: %w", err)
	}
	return body, nil
}

func (b *builder) status(_ string, body []byte) error {
	b.dpkg = body
	return nil
}

// own gives a file of the seed to the daemon's user.
func own(p string) error {
	err := os.Lchown(p, recipe.DaemonID, recipe.DaemonID)
	if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("%w: a seed needs root's rights", err)
	}
	return err
}
