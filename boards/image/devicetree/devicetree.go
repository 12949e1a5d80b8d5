// Package devicetree puts a board's overlays into the kernel's device trees while an
// image is built. It is not what the Raspberry Pi's firmware does at each start: its
// overlays are for its own tree, and U-Boot takes the slot's instead, so that tree and
// kernel are always of one version. What is put in here is in the slot, is updated
// with it, and an overlay that does not fit ends the build and not a start.
//
// # Reference
//
// Devicetree Specification 0.4, chapter 5 (the binary form) and dtc's
// Documentation/dt-object-internal.txt (overlays). Debian's trees are built with their
// symbols, which overlays are put in by. The programs dtc and fdtoverlay do the work.
package devicetree

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed overlays
var sources embed.FS

// Mark is the property of /chosen that lists the overlays that a tree has.
const Mark = "penjire,overlays"

// ErrUnknown is returned for an overlay that there is none of.
var ErrUnknown = errors.New("no such overlay")

// Names returns the overlays there are for the tree in the file called file, sorted.
// They are called as the Raspberry Pi's own are in its config.txt.
func Names(file string) []string {
	found, err := fs.Glob(sources, folder(file)+"/*.dts")
	if err != nil {
		panic(err) // the pattern is wrong
	}
	for i, f := range found {
		found[i] = strings.TrimSuffix(path.Base(f), ".dts")
	}
	slices.Sort(found)
	return found
}

// folder is where the overlays for a tree are: on a Raspberry Pi 5 (BCM2712) the header
// is not the processor's, and what is on it has other names.
func folder(file string) string {
	if strings.HasPrefix(path.Base(file), "bcm2712-") {
		return "overlays/bcm2712"
	}
	return "overlays"
}

// Apply returns tree, which is in the file called file, with these overlays in it, and
// with their names in [Mark]. Without overlays it is tree itself.
func Apply(ctx context.Context, file string, tree []byte, overlays []string) ([]byte, error) {
	if len(overlays) == 0 {
		return tree, nil
	}
	out, err := apply(ctx, file, tree, overlays)
	if err != nil {
		return nil, fmt.Errorf("devicetree: %s: %w", path.Base(file), err)
	}
	return out, nil
}

func apply(ctx context.Context, file string, tree []byte, overlays []string) (out []byte, err error) {
	dir, err := os.MkdirTemp("", "devicetree")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	base, to := filepath.Join(dir, "base.dtb"), filepath.Join(dir, "out.dtb")
	if err := os.WriteFile(base, tree, 0o600); err != nil {
		return nil, err
	}
	args := []string{"-i", base, "-o", to}
	for i, name := range overlays {
		text, err := sources.ReadFile(folder(file) + "/" + name + ".dts")
		if err != nil {
			return nil, fmt.Errorf("%w: %q, only %q", ErrUnknown, name, Names(file))
		}
		compiled, err := compile(ctx, dir, fmt.Sprint(i), string(text))
		if err != nil {
			return nil, fmt.Errorf("overlay %s: %w", name, err)
		}
		args = append(args, compiled)
	}
	mark, err := compile(ctx, dir, "mark", fmt.Sprintf(
		"/dts-v1/;\n/plugin/;\n&{/chosen} {\n\t%s = \"%s\";\n};\n", Mark, strings.Join(overlays, `", "`)))
	if err != nil {
		return nil, err
	}
	if err := run(ctx, "fdtoverlay", append(args, mark)...); err != nil {
		return nil, fmt.Errorf("put in overlays %q: %w", overlays, err)
	}
	if out, err = os.ReadFile(to); err != nil {
		return nil, err
	}
	switch got, err := Strings(out, "chosen", Mark); {
	case err != nil:
		return nil, fmt.Errorf("read what fdtoverlay made: %w", err)
	case !slices.Equal(got, overlays):
		return nil, fmt.Errorf("overlays: got %q, want %q", got, overlays)
	}
	return out, nil
}

// compile returns the file with text's binary form.
func compile(ctx context.Context, dir, name, text string) (string, error) {
	from, to := filepath.Join(dir, name+".dts"), filepath.Join(dir, name+".dtbo")
	if err := os.WriteFile(from, []byte(text), 0o600); err != nil {
		return "", err
	}
	return to, run(ctx, "dtc", "-q", "-@", "-I", "dts", "-O", "dtb", "-o", to, from)
}

func run(ctx context.Context, program string, args ...string) error {
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%w (it is in the package device-tree-compiler)", err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, bytes.TrimSpace(out))
	}
	return nil
}
