package enrol

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/enrol"
)

// MaxSetup is how large a set-up may be, in bytes.
const MaxSetup = 64 << 10

// The form of setup.json. Go's names of fields are not those of the file, so that
// nothing is read or written by accident.
type setupJSON struct {
	Schema   string          `json:"schema"`
	Kiosk    string          `json:"kiosk"`
	Place    *catalog.Text   `json:"place,omitempty"`
	Portal   portalJSON      `json:"portal"`
	Roots    string          `json:"roots"`
	Code     string          `json:"code,omitempty"`
	Network  *networkJSON    `json:"network,omitempty"`
	Settings json.RawMessage `json:"settings,omitempty"`
}

type portalJSON struct {
	URL        string `json:"url"`
	EST        string `json:"est,omitempty"`
	PublicURL  string `json:"public_url,omitempty"`
	ServerName string `json:"server_name,omitempty"`
}

type networkJSON struct {
	Kind     string   `json:"kind"`
	SSID     string   `json:"ssid,omitempty"`
	Hidden   bool     `json:"hidden,omitempty"`
	Password string   `json:"password,omitempty"`
	APN      string   `json:"apn,omitempty"`
	User     string   `json:"user,omitempty"`
	PIN      string   `json:"pin,omitempty"`
	Address  string   `json:"address,omitempty"`
	Gateway  string   `json:"gateway,omitempty"`
	DNS      []string `json:"dns,omitempty"`
}

// Marshal writes the set-up, with its secrets. One that [ParseSetup] would refuse
// is refused.
func (s Setup) Marshal() ([]byte, error) {
	j := setupJSON{
		Schema: Schema, Kiosk: s.Kiosk, Portal: portalJSON(s.Portal), Roots: s.Roots, Code: s.Code.Written(), Settings: s.Settings,
	}
	if !s.Place.IsZero() {
		j.Place = &s.Place
	}
	if n := s.Network; n.Kind != Ask {
		j.Network = &networkJSON{
			Kind: string(n.Kind), SSID: n.SSID, Hidden: n.Hidden, Password: n.Password.Reveal(),
			APN: n.APN, User: n.User, PIN: n.PIN.Reveal(),
		}
		if n.Address.IsValid() {
			j.Network.Address = n.Address.String()
		}
		if n.Gateway.IsValid() {
			j.Network.Gateway = n.Gateway.String()
		}
		for _, a := range n.DNS {
			j.Network.DNS = append(j.Network.DNS, a.String())
		}
	}
	b, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("enrol: write the set-up: %w", err)
	}
	b = append(b, '\n')
	if _, err := ParseSetup(b); err != nil {
		return nil, fmt.Errorf("enrol: write the set-up: %w", err)
	}
	return b, nil
}

// ParseSetup reads a set-up. It is strict: unknown and repeated keys, wrong types
// and values that cannot be meant are faults, and all are reported at once as
// [settings.Faults] where the JSON itself is in order. No fault repeats a secret.
func ParseSetup(b []byte) (Setup, error) {
	if len(b) > MaxSetup {
		return Setup{}, fmt.Errorf("enrol: read the set-up: %d bytes, want %d at most", len(b), MaxSetup)
	}
	if !utf8.Valid(b) {
		return Setup{}, fmt.Errorf("enrol: read the set-up: it is not UTF-8")
	}
	tree, err := settings.Decode(b)
	if err != nil {
		return Setup{}, fmt.Errorf("enrol: read the set-up: %w", err)
	}
	c := checks{}
	c.only("", tree, "schema", "kiosk", "place", "portal", "roots", "code", "network", "settings")
	c.only("place.", tree["place"], "tk", "ru", "en")
	c.only("portal.", tree["portal"], "url", "est", "public_url", "server_name")
	c.only("network.", tree["network"], "kind", "ssid", "hidden", "password", "apn", "user", "pin", "address", "gateway", "dns")
	c.object("settings", tree)
	if len(c.faults) > 0 {
		slices.Sort(c.faults)
		return Setup{}, fmt.Errorf("enrol: read the set-up: %w", c.faults)
	}
	var j setupJSON
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(&j); err != nil {
		return Setup{}, fmt.Errorf("enrol: read the set-up: %w", hush(err))
	}
	s := c.setup(j)
	c.composed(s)
	if len(c.faults) > 0 {
		return Setup{}, fmt.Errorf("enrol: read the set-up: %w", c.faults)
	}
	return s, nil
}

// hush keeps of encoding/json's errors what does not repeat the file.
func hush(err error) error {
	if t, ok := err.(*json.UnmarshalTypeError); ok {
		return settings.Faults{fmt.Sprintf("%s: it is of another type, want %v", t.Field, t.Type.Kind())}
	}
	return fmt.Errorf("it is not JSON")
}

// checks collects faults by field path.
type checks struct{ faults settings.Faults }

func (c *checks) fault(path, format string, args ...any) {
	c.faults = append(c.faults, path+": "+fmt.Sprintf(format, args...))
}

// only reports keys of an object other than these.
func (c *checks) only(path string, v any, keys ...string) {
	m, ok := v.(map[string]any)
	if v != nil && !ok {
		c.fault(strings.TrimSuffix(path, "."), "want an object")
	}
	for k, v := range m {
		if !slices.Contains(keys, k) {
			c.fault(path+k, "there is no such key")
		} else if v == nil {
			c.fault(path+k, "got null, want a value or no such key")
		}
	}
}

// object reports a value that is there and no object.
func (c *checks) object(k string, tree map[string]any) {
	if v, there := tree[k]; there {
		if _, ok := v.(map[string]any); !ok {
			c.fault(k, "want an object")
		}
	}
}

var kioskName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$`)

func (c *checks) setup(j setupJSON) Setup {
	s := Setup{Kiosk: j.Kiosk, Portal: Portal(j.Portal), Roots: j.Roots, Settings: j.Settings}
	if j.Schema != Schema {
		c.fault("schema", "got %q, want %q: this software does not know that version", j.Schema, Schema)
	}
	if !kioskName.MatchString(j.Kiosk) {
		c.fault("kiosk", "got %q, want 1 to 40 letters, digits, _ and -", j.Kiosk)
	}
	if j.Place != nil {
		s.Place = *j.Place
	}
	c.address("portal.url", j.Portal.URL, "wss")
	if j.Portal.EST != "" {
		c.address("portal.est", j.Portal.EST, "https")
		if u, err := url.Parse(j.Portal.EST); err == nil && u.Path != "" {
			c.fault("portal.est", "got %q, want https://host:port alone", j.Portal.EST)
		}
	}
	if j.Portal.PublicURL != "" {
		c.address("portal.public_url", j.Portal.PublicURL, "https", "http")
	}
	if strings.ContainsAny(j.Portal.ServerName, ":/ ") {
		c.fault("portal.server_name", "got %q, want a host name", j.Portal.ServerName)
	}
	if _, err := certificates([]byte(j.Roots)); err != nil {
		c.fault("roots", "%v", err)
	}
	if j.Code != "" {
		var err error
		if s.Code, err = enrol.ParseCode(j.Code); err != nil {
			c.fault("code", "%v", err)
		}
	}
	if j.Network != nil {
		s.Network = c.network(*j.Network)
	}
	return s
}

// address reports what is not the address of a server.
func (c *checks) address(path, s string, schemes ...string) {
	u, err := url.Parse(s)
	if err != nil || !slices.Contains(schemes, u.Scheme) || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		c.fault(path, "got %q, want %s://host:port", s, schemes[0])
	}
}

func (c *checks) network(j networkJSON) Network {
	n := Network{
		Kind: Kind(j.Kind), SSID: j.SSID, Hidden: j.Hidden, Password: Hide(j.Password),
		APN: j.APN, User: j.User, PIN: Hide(j.PIN),
	}
	of := map[string]bool{}
	for k, there := range map[string]bool{
		"ssid": j.SSID != "", "hidden": j.Hidden, "password": j.Password != "", "apn": j.APN != "", "user": j.User != "", "pin": j.PIN != "",
		"address": j.Address != "", "gateway": j.Gateway != "", "dns": len(j.DNS) > 0,
	} {
		if there {
			of[k] = true
		}
	}
	may := []string{}
	switch n.Kind {
	case Ethernet:
		may = []string{"address", "gateway", "dns"}
	case WiFi:
		may = []string{"ssid", "hidden", "password", "address", "gateway", "dns"}
		if len(j.SSID) < 1 || len(j.SSID) > 32 {
			c.fault("network.ssid", "got %d bytes, want 1 to 32", len(j.SSID))
		}
		if n := len(j.Password); n != 0 && (n < 8 || n > 64) {
			c.fault("network.password", "got %d bytes, want 8 to 63, or 64 hex digits, or none", n)
		}
	case LTE:
		may = []string{"apn", "user", "password", "pin"}
		if j.APN == "" {
			c.fault("network.apn", "missing")
		}
		if n := len(j.PIN); n != 0 && (n < 4 || n > 8 || strings.Trim(j.PIN, "0123456789") != "") {
			c.fault("network.pin", "want 4 to 8 digits")
		}
	case Stick:
	default:
		c.fault("network.kind", "got %q, want ethernet, wifi, lte or none", j.Kind)
	}
	for k := range of {
		if !slices.Contains(may, k) {
			c.fault("network."+k, "a network of kind %q has none", j.Kind)
		}
	}
	var err error
	if j.Address != "" {
		if n.Address, err = netip.ParsePrefix(j.Address); err != nil {
			c.fault("network.address", "got %q, want an address and length, 192.0.2.10/24", j.Address)
		}
	} else if j.Gateway != "" {
		c.fault("network.gateway", "it goes with an address")
	}
	if j.Gateway != "" {
		if n.Gateway, err = netip.ParseAddr(j.Gateway); err != nil {
			c.fault("network.gateway", "got %q, want an address", j.Gateway)
		}
	}
	for i, d := range j.DNS {
		a, err := netip.ParseAddr(d)
		if err != nil {
			c.fault(fmt.Sprintf("network.dns[%d]", i), "got %q, want an address", d)
			continue
		}
		n.DNS = append(n.DNS, a)
	}
	return n
}

// certificates reads one or more certificates in PEM; text before one is passed
// over, as OpenSSL writes it.
func certificates(b []byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for {
		block, rest := pem.Decode(b)
		if block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("there is a %s among the certificates", block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(out)+1, err)
		}
		out, b = append(out, c), rest
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("want certificates in PEM")
	}
	if len(bytes.TrimSpace(b)) > 0 {
		return nil, fmt.Errorf("something follows the certificates")
	}
	return out, nil
}
