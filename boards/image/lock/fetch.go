package lock

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Store is a folder of packages that were fetched, by hash. What is in it was
// checked; it may be thrown away at any time.
type Store string

// File returns where p is once it was fetched.
func (s Store) File(p Package) string {
	return filepath.Join(string(s), p.SHA256[:2], p.SHA256+".deb")
}

// Fetch brings every package that is not in s yet. It returns an error for each
// that cannot be had or is not what the list says; the others are kept.
func (s Store) Fetch(ctx context.Context, ps []Package, m Mirrors) error {
	var wg sync.WaitGroup
	errs := make([]error, len(ps))
	slots := make(chan struct{}, 6)
	for i, p := range ps {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if err := s.fetch(ctx, p, m); err != nil {
				errs[i] = fmt.Errorf("lock: fetch %s %s: %w", p.Name, p.Version, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (s Store) fetch(ctx context.Context, p Package, m Mirrors) error {
	to := s.File(p)
	if s.Has(p) {
		return nil
	}
	address := m[p.Archive] + strings.ReplaceAll((&url.URL{Path: p.Path}).EscapedPath(), "+", "%2b")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode == http.StatusNotFound {
		return fmt.Errorf("the mirror has it no more: make image-lock takes what there is now, and a mirror of snapshots (-mirror) has everything that ever was")
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the mirror says %s", res.Status)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return keep(to, io.LimitReader(res.Body, p.Size+1), p)
}

// keep writes p to the file at to, if it is what the list says.
func keep(to string, r io.Reader, p Package) (err error) {
	f, err := os.CreateTemp(filepath.Dir(to), ".new")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), r)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); n != p.Size || got != p.SHA256 {
		return fmt.Errorf("got %d bytes with SHA-256 %s, want %d with %s", n, got, p.Size, p.SHA256)
	}
	return os.Rename(f.Name(), to)
}

// Has reports whether p was fetched.
func (s Store) Has(p Package) bool {
	info, err := os.Stat(s.File(p))
	return err == nil && info.Size() == p.Size
}
