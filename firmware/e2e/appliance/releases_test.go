package appliance

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/keyfile"
	"github.com/penjire/penjire/sync/release"
)

// releases are bundles with the descriptions under which kiosks take them.
type releases struct {
	*bundles
	tree string         // folder with all files of the image's root
	own  layout.Release // of the image
	key  cms.Signer
}

func newReleases(t *testing.T) *releases {
	t.Helper()
	r := &releases{bundles: newBundles(t), tree: filepath.Join(t.TempDir(), "tree")}
	for _, p := range []string{"mksquashfs", "unsquashfs"} {
		if _, err := exec.LookPath(p); err != nil {
			devicetest.LeftOut(t, "releases in a virtual machine", err.Error())
		}
	}
	r.command("unsquashfs", "-q", "-n", "-d", r.tree, filepath.Join(r.parts, "root.img"))
	b, err := os.ReadFile(filepath.Join(r.tree, layout.ReleaseFile))
	if err != nil {
		t.Fatal(err)
	}
	if r.own, err = layout.ParseRelease(b); err != nil {
		t.Fatal(err)
	}
	root, err := keyfile.Signer(r.cert, r.bundles.key)
	if err != nil {
		t.Fatal(err)
	}
	r.key = releaseKey(t, root)
	return r
}

// releaseKey makes a key that a root lets sign releases.
func releaseKey(t *testing.T, root cms.Signer) cms.Signer {
	t.Helper()
	return signer(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "who releases"}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}, &root)
}

// file is one of the root file system.
type file struct {
	mode os.FileMode
	body string
}

// build makes a release whose root has other files, that much newer than the image.
func (r *releases) build(name string, newer time.Duration, files map[string]file) {
	r.t.Helper()
	v := r.own
	v.Build, v.Version = v.Build.Add(newer), name
	b, err := json.Marshal(v)
	if err != nil {
		r.t.Fatal(err)
	}
	all := map[string]file{layout.ReleaseFile: {0o644, string(b)}}
	maps.Copy(all, files)
	for at, f := range all {
		at = filepath.Join(r.tree, at)
		if old, err := os.ReadFile(at); err == nil {
			defer func() { _ = os.WriteFile(at, old, 0o755) }()
		} else {
			defer func() { _ = os.Remove(at) }()
		}
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(f.body), f.mode); err != nil {
			r.t.Fatal(err)
		}
	}
	r.command("mksquashfs", r.tree, filepath.Join(r.parts, "root.img"), "-noappend", "-quiet", "-no-progress", "-comp", "zstd", "-Xcompression-level", "1", "-b", "256K")
	r.pack(name+".raucb", r.bundles.key, r.cert)
	r.describe(name, name, uint64(v.Build.Unix()), 0, r.key)
}

// describe describes a bundle; room is what that needs, 0: what it takes.
func (r *releases) describe(name, bundle string, build uint64, room int64, by cms.Signer) {
	r.t.Helper()
	at := filepath.Join(r.out, name+".raucb")
	if name != bundle {
		if err := os.Link(filepath.Join(r.out, bundle+".raucb"), at); err != nil {
			r.t.Fatal(err)
		}
	}
	f, err := os.Open(at)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // it was read only
	d := release.Release{Board: r.own.Board, Version: name, Build: build, Formats: release.Formats{Min: 1, Max: 1}, Room: room, Ring: release.Broad, Issued: time.Now()}
	if d.Content, err = release.Describe(f); err != nil {
		r.t.Fatal(err)
	}
	d.Room = max(d.Room, d.Content.Size)
	signed, err := d.Sign(by)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.out, name+".release"), signed, 0o644); err != nil {
		r.t.Fatal(err)
	}
}
