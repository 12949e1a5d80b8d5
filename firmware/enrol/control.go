package enrol

import (
	"encoding/json"
	"net/http"
	"path/filepath"

	"github.com/penjire/penjire/sync/enrol"
	"github.com/penjire/penjire/sync/stick"
)

// Done is what the control socket answers to a request to do something.
type Done struct {
	File  string `json:"file,omitempty"`  // that was written
	Error string `json:"error,omitempty"` // "": it was done
}

// Control answers on the control socket while the kiosk is not enrolled:
//
//	GET  /enrol                     how far it is: Status
//	POST /enrol/code?code=…         a one-time code that a person typed
//	POST /enrol/export?folder=…     the request, into a folder on a stick
//	POST /enrol/import?folder=…     the portal's answer, from a folder on a stick
//
// anywhere=1 allows a folder on the kiosk's own disk. The answer to a POST is Done.
func (e *Enroller) Control() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /enrol", func(w http.ResponseWriter, _ *http.Request) { reply(w, e.Status()) })
	m.HandleFunc("POST /enrol/code", func(w http.ResponseWriter, r *http.Request) {
		c, err := enrol.ParseCode(r.FormValue("code"))
		if err == nil {
			err = e.SetCode(c)
		}
		reply(w, done("", err))
	})
	m.HandleFunc("POST /enrol/export", func(w http.ResponseWriter, r *http.Request) {
		f, err := e.folder(r)
		file := ""
		if err == nil {
			file, err = e.Export(r.Context(), f)
		}
		reply(w, done(file, err))
	})
	m.HandleFunc("POST /enrol/import", func(w http.ResponseWriter, r *http.Request) {
		f, err := e.folder(r)
		if err == nil {
			err = e.Import(r.Context(), f)
		}
		reply(w, done("", err))
	})
	return m
}

// folder is that of a request: on another disk than the kiosk's own, unless it says
// that it is meant.
func (e *Enroller) folder(r *http.Request) (*stick.Folder, error) {
	not := e.o.Dir
	if r.FormValue("anywhere") == "1" {
		not = ""
	}
	return stick.OpenFolder(r.FormValue("folder"), not)
}

func done(file string, err error) Done {
	if err != nil {
		return Done{Error: err.Error()}
	}
	return Done{File: file}
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // who asked has gone
}

// Socket is the path of the control socket of a kiosk's folder.
func Socket(dir string) string { return filepath.Join(dir, StateFolder, "control.sock") }
