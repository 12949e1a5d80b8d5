package flash

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/diskfs/go-diskfs/filesystem"

	"github.com/penjire/penjire/boards/image/devicetree"
	"github.com/penjire/penjire/boards/manifest"
)

// maxTree is more than any kernel's device tree is long.
const maxTree = 1 << 20

// treesFolder is where a slot has its device trees, as U-Boot names them.
const treesFolder = "broadcom"

// Tree is a device tree of a slot, with the overlays that were put into it.
type Tree struct {
	Name     string   `json:"name"`
	Overlays []string `json:"overlays"`
}

// treesIn reads the device trees in the boot partition r, sorted. A PC has none.
func treesIn(f *os.File, r manifest.Range) ([]Tree, error) {
	if r.Size > 256<<20 {
		return nil, fmt.Errorf("flash: read %s: got %d MiB, want at most 256", r.Name, r.Size>>20)
	}
	b := make([]byte, r.Size)
	if _, err := f.ReadAt(b, r.Start); err != nil {
		return nil, fmt.Errorf("flash: read %s: %w", r.Name, err)
	}
	var out []Tree
	_, err := inFAT(b, func(fs filesystem.FileSystem) error {
		all, err := fs.ReadDir(treesFolder)
		if err != nil {
			return nil // there is no such folder
		}
		for _, e := range all {
			if e.IsDir() || !strings.HasSuffix(e.Name(), ".dtb") {
				continue
			}
			w, err := fs.OpenFile("/"+treesFolder+"/"+e.Name(), os.O_RDONLY)
			if err != nil {
				return fmt.Errorf("open %s: %w", e.Name(), err)
			}
			body, err := io.ReadAll(io.LimitReader(w, maxTree))
			if err != nil {
				return fmt.Errorf("read %s: %w", e.Name(), err)
			}
			names, err := devicetree.Strings(body, "chosen", devicetree.Mark)
			if err != nil {
				return fmt.Errorf("%s: %w", e.Name(), err)
			}
			out = append(out, Tree{Name: e.Name(), Overlays: names})
		}
		return nil
	})
	slices.SortFunc(out, func(a, b Tree) int { return strings.Compare(a.Name, b.Name) })
	if err != nil {
		return nil, fmt.Errorf("flash: read %s: %w", r.Name, err)
	}
	return out, nil
}
