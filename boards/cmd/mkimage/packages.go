package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/penjire/penjire/boards/image/lock"
	"github.com/penjire/penjire/boards/image/recipe"
)

// from returns the mirrors: those asked for, and else apt's.
func (o options) from(ctx context.Context) (lock.Mirrors, error) {
	if o.mirrors[lock.Debian] != "" && o.mirrors[lock.Security] != "" {
		return o.mirrors, nil
	}
	m, err := lock.FindMirrors(ctx)
	if err != nil {
		return nil, err
	}
	maps.Copy(m, o.mirrors)
	return m, nil
}

// refresh writes the lists of o's board anew.
func (o options) refresh(ctx context.Context) error {
	m, err := o.from(ctx)
	if err != nil {
		return err
	}
	names, err := o.board.Names()
	if err != nil {
		return err
	}
	alone, err := o.board.LoaderNames()
	if err != nil {
		return err
	}
	all, loader, err := lock.Resolve(ctx, filepath.Join(o.cache, "apt", o.board.Arch), lock.Wish{
		Suite: recipe.Suite, Arch: o.board.Arch, Names: names, Alone: alone, Keyring: o.keyringApt,
	}, m)
	if err != nil {
		return err
	}
	note := "Made by make image-lock; what an image is made of, exactly.\nname version architecture archive size SHA-256 path"
	for _, l := range []struct {
		loader bool
		ps     []lock.Package
	}{{false, all}, {true, loader}} {
		to := filepath.Join(o.lockTo, o.board.LockName(l.loader))
		if err := os.WriteFile(to, lock.Format(note, l.ps), 0o644); err != nil {
			return fmt.Errorf("write the list: %w", err)
		}
		o.say("%s: %d packages", to, len(l.ps))
	}
	return nil
}

// packages fetches what the lists of o's board name.
func (o options) packages(ctx context.Context) (all, loader []lock.Package, err error) {
	for _, l := range []struct {
		loader bool
		to     *[]lock.Package
	}{{false, &all}, {true, &loader}} {
		text, err := o.board.Locked(l.loader)
		if err != nil {
			return nil, nil, err
		}
		if *l.to, err = lock.Parse(text); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", o.board.LockName(l.loader), err)
		}
		if err := o.fetch(ctx, *l.to); err != nil {
			return nil, nil, err
		}
	}
	return all, loader, nil
}

// base returns the file of the root file system that the packages make, from the
// cache if these very packages made one before.
func (o options) base(ctx context.Context, all []lock.Package, at time.Time) (string, error) {
	names, err := o.board.Names()
	if err != nil {
		return "", err
	}
	before, err := o.board.Before()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, _ = io.WriteString(h, recipe.Suite+o.board.Arch+at.UTC().Format(time.RFC3339))
	_, _ = h.Write(lock.Format("", all))
	for _, n := range slices.Sorted(maps.Keys(before)) {
		_, _ = fmt.Fprintf(h, "%s %q\n", n, before[n])
	}
	_, _ = fmt.Fprint(h, names)
	to := filepath.Join(o.cache, fmt.Sprintf("base-%s-%x.tar", o.board.Arch, h.Sum(nil)[:8]))
	if o.fresh {
		to = filepath.Join(o.out, filepath.Base(to))
	} else if _, err := os.Stat(to); err == nil {
		o.say("the root file system of these packages is in the cache")
		return to, nil
	}
	log, err := os.Create(filepath.Join(o.out, "mmdebstrap.log"))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	o.say("install %d packages (%s has the progress)", len(all), log.Name())
	started := time.Now()
	helpers, err := o.helpers(ctx)
	if err != nil {
		return "", err
	}
	err = lock.Base{
		Suite: recipe.Suite, Arch: o.board.Arch, Packages: all, Names: names, Native: helpers, Files: before, Time: at,
	}.Tar(ctx, to, lock.Store(filepath.Join(o.cache, "packages")), log)
	if err != nil {
		return "", fmt.Errorf("%w (see %s)", err, log.Name())
	}
	o.say("installed in %s", time.Since(started).Round(time.Second))
	return to, nil
}

// helpers fetches the packages whose programs stand in for emulated ones.
func (o options) helpers(ctx context.Context) ([]lock.Package, error) {
	if o.board.Arch == runtime.GOARCH {
		return nil, nil
	}
	text, err := recipe.Helpers(runtime.GOARCH)
	if err != nil || text == nil {
		return nil, err
	}
	ps, err := lock.Parse(text)
	if err != nil {
		return nil, err
	}
	ps = slices.DeleteFunc(ps, func(p lock.Package) bool { return !slices.Contains(recipe.HelperNames, p.Name) })
	return ps, o.fetch(ctx, ps)
}

// fetch brings packages that are not here yet. Apt is asked for its mirrors only if
// there are any.
func (o options) fetch(ctx context.Context, ps []lock.Package) error {
	store := lock.Store(filepath.Join(o.cache, "packages"))
	if !slices.ContainsFunc(ps, func(p lock.Package) bool { return !store.Has(p) }) {
		return nil
	}
	m, err := o.from(ctx)
	if err != nil {
		return err
	}
	return store.Fetch(ctx, ps, m)
}
