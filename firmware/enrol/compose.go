package enrol

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/penjire/penjire/firmware/settings"
)

// Files of the kiosk's folder that enrolment makes. Those of the keys are there
// only where the keys are not in a TPM.
const (
	SettingsFile  = "settings.json"
	RootsFile     = "roots.pem"
	TrustFile     = "trust.cbor"
	CatalogueFile = "catalogue.cbor"
	StateFolder   = "state"
)

// pairs are the kiosk's two pairs as settings.json names them.
type pairs struct{ Identity, Signing map[string]any }

// inFiles are the pairs of a kiosk that has its keys in files.
var inFiles = pairs{
	map[string]any{"cert": "identity.crt", "key": "identity.key"},
	map[string]any{"cert": "signing.crt", "key": "signing.key"},
}

// compose returns the settings of the kiosk with that set-up, on that board.
func (s Setup) compose(board string, p pairs) ([]byte, error) {
	m := map[string]any{}
	if s.Settings != nil {
		if err := json.Unmarshal(s.Settings, &m); err != nil {
			return nil, fmt.Errorf("enrol: read the set-up's settings: %w", err)
		}
	}
	portal := map[string]any{"url": s.Portal.URL}
	if line, ok := m["portal"].(map[string]any); ok {
		if l, ok := line["line"]; ok {
			portal["line"] = l
		}
	}
	for k, v := range map[string]string{"est": s.Portal.EST, "public_url": s.Portal.PublicURL, "server_name": s.Portal.ServerName} {
		if v != "" {
			portal[k] = v
		}
	}
	own := map[string]any{
		"kiosk": s.Kiosk, "board": board, "portal": portal, "state": StateFolder,
		"identity": p.Identity, "signing": p.Signing,
		"roots": RootsFile, "trust": TrustFile, "catalogue": CatalogueFile,
	}
	if !s.Place.IsZero() {
		own["place"] = s.Place
	}
	maps.Copy(m, own)
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("enrol: write the settings: %w", err)
	}
	return append(b, '\n'), nil
}

// fixed are settings that a set-up's own settings cannot name: it says them
// itself, or enrolment does.
var fixed = []string{"kiosk", "place", "board", "state", "identity", "signing", "roots", "trust", "catalogue"}

// composed reports what is wrong with the set-up's settings.
func (c *checks) composed(s Setup) {
	if s.Settings == nil || len(c.faults) > 0 {
		return
	}
	m := map[string]json.RawMessage{}
	if err := json.Unmarshal(s.Settings, &m); err != nil {
		c.fault("settings", "it cannot be read")
		return
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if slices.Contains(fixed, k) {
			c.fault("settings."+k, "a set-up's settings cannot have it")
		}
	}
	portal := map[string]json.RawMessage{}
	if p, there := m["portal"]; there {
		if err := json.Unmarshal(p, &portal); err != nil {
			c.fault("settings.portal", "want an object")
		}
	}
	for _, k := range slices.Sorted(maps.Keys(portal)) {
		if k != "line" {
			c.fault("settings.portal."+k, "only line can be here: the rest is said in portal")
		}
	}
	b, err := s.compose("any", inFiles)
	if err == nil {
		_, err = settings.Parse(b, "/")
	}
	if fs, ok := errors.AsType[settings.Faults](err); ok {
		c.faults = append(c.faults, fs...)
	} else if err != nil {
		c.fault("settings", "%v", err)
	}
}
