package kiosk

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/firmware/storage"
	"github.com/penjire/penjire/firmware/support"
	"github.com/penjire/penjire/sync/stick"
)

// logTime is how long the machine's journal may take to be read.
const logTime = 20 * time.Second

// support makes a support bundle. It may take as long as logTime.
func (k *Kiosk) support(ctx context.Context) (name string, bundle []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/state", nil)
	if err != nil {
		return "", nil, fmt.Errorf("kiosk: make a support bundle: %w", err)
	}
	medium, mediumErr := storage.Look("/sys", k.s.State)
	at := k.clock.Now()
	parts := []support.Part{
		asJSON("state.json", "what penjire status tells", k.State(r), nil),
		asJSON("board.json", "what this kiosk is made of", k.board, nil),
		asJSON("settings.json", "the settings: names of files, not what is in them", k.s, nil),
		asJSON("storage.json", "the medium under the state folder", medium, mediumErr),
		release(),
	}
	ctx, cancel := context.WithTimeout(ctx, logTime)
	defer cancel()
	parts = append(parts, support.Log(ctx))
	bundle, err = support.Bundle(k.s.Kiosk, k.version, at, parts)
	return support.Name(k.s.Kiosk, at), bundle, err
}

func asJSON(name, what string, v any, err error) support.Part {
	p := support.Part{Name: name, What: what, Err: err}
	if err == nil {
		p.Data, p.Err = json.MarshalIndent(v, "", "\t")
	}
	return p
}

// release says which image this is; a kiosk that runs from none has no such file.
func release() support.Part {
	p := support.Part{Name: "release.json", What: "which image this is"}
	p.Data, p.Err = os.ReadFile(layout.ReleaseFile)
	return p
}

// supportTo puts a support bundle on the stick.
func (k *Kiosk) supportTo(ctx context.Context, dir *stick.Folder) error {
	name, b, err := k.support(ctx)
	if err != nil {
		return err
	}
	return dir.Put(ctx, name, [][]byte{b})
}

// supportRoute answers GET /support with a bundle.
func (k *Kiosk) supportRoute(w http.ResponseWriter, r *http.Request) {
	name, b, err := k.support(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, _ = w.Write(b) // whoever asked went away: nothing to do
}
