package layout

// Paths in a running image.
const (
	DataDir     = "/data"         // the data partition
	KioskDir    = "/data/kiosk"   // the kiosk's folder; it belongs to user penjire
	NetworkDir  = "/data/network" // NetworkManager's keyfiles
	UpdateDir   = "/data/update"  // bundles while they are fetched, RAUC's state
	BoardFile   = "/usr/lib/penjire/board.json"
	ReleaseFile = "/usr/lib/penjire/release.json"
	Keyring     = "/usr/lib/penjire/update.pem" // certificates that may sign bundles
	SetupDir    = "/run/penjire/setup"          // where the set-up partition is mounted while first boot reads it
	StickDir    = "/media/stick"                // where a memory stick is mounted
	SettingsIn  = "/data/kiosk/settings.json"   // the kiosk's settings; without them it is not set up
	PageBeat    = "/run/penjire/page"           // touched by penjired while a page is shown and says so
)

// Users of the image.
const (
	DaemonUser = "penjire" // runs penjired
	ScreenUser = "screen"  // runs cage and Chromium
)

// Units of the image.
const (
	DaemonUnit = "penjired.service"
	ScreenUnit = "penjire-screen.service"
	PanelUnit  = "penjire-panel.service"
	FirstUnit  = "penjire-first.service"
)
