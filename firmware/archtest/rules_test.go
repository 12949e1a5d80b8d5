package archtest

// folders are the only top-level folders with Go files.
var folders = []string{"boards", "drivers", "firmware", "sync", "ui"}

// ground lists the packages that every folder may import. They import only the
// standard library and one another. Adding one takes a decision record.
var ground = []string{"sync/citizen", "sync/catalog"}

// A rule says that no package under From imports, itself or through others,
// one under Deny. From and Deny are folders of the module, or Deny is a package
// from outside it.
type rule struct {
	From, Deny string
	Except     []string // folders below From that the rule does not bind
	TestsToo   bool     // also bind _test.go files
	Why        string
}

// hubs are the mains inside the leaves: they may compose what their leaf may
// not import.
var hubs = []string{"sync/cmd", "ui/cmd", "drivers/cmd", "boards/cmd"}

var rules = []rule{
	{From: "drivers", Deny: "firmware", Except: hubs, TestsToo: true, Why: "a driver must not know which product it is in"},
	{From: "drivers", Deny: "sync", Except: hubs, TestsToo: true, Why: "a driver moves bytes; it files nothing"},
	{From: "drivers", Deny: "ui", Except: hubs, TestsToo: true, Why: "a driver shows nothing"},
	{From: "drivers", Deny: "boards", Except: hubs, TestsToo: true, Why: "pins and ports are handed in"},
	{From: "sync", Deny: "firmware", Except: hubs, TestsToo: true, Why: "the portal links sync and nothing of the kiosk"},
	{From: "sync", Deny: "drivers", Except: hubs, TestsToo: true, Why: "the portal has no peripherals"},
	{From: "sync", Deny: "ui", Except: hubs, TestsToo: true, Why: "the protocol has no screens"},
	{From: "sync", Deny: "boards", Except: hubs, TestsToo: true, Why: "the protocol has no pins"},
	{From: "ui", Deny: "firmware", Except: hubs, TestsToo: true, Why: "ui is handed view models and a Kiosk"},
	{From: "ui", Deny: "drivers", Except: hubs, TestsToo: true, Why: "ui never waits on hardware"},
	{From: "ui", Deny: "sync", Except: hubs, TestsToo: true, Why: "ui never waits on the network or the disk"},
	{From: "ui", Deny: "boards", Except: hubs, TestsToo: true, Why: "screen size arrives in the settings of the server"},
	{From: "boards", Deny: "firmware", Except: hubs, TestsToo: true, Why: "a board is data"},
	{From: "boards", Deny: "drivers", Except: hubs, TestsToo: true, Why: "a board names drivers by their registered name"},
	{From: "boards", Deny: "sync", Except: hubs, TestsToo: true, Why: "a board is data"},
	{From: "boards", Deny: "ui", Except: hubs, TestsToo: true, Why: "a board is data"},

	{From: "firmware/cmd/penjired", Deny: "sync/portal", Why: "the kiosk must not link the portal"},
	{From: "firmware/cmd/penjired", Deny: "sync/ledger", Why: "the kiosk must not link the portal's store"},
	{From: "firmware/cmd/penjired", Deny: "drivers/emulator", Why: "a kiosk in service must not link emulated devices"},
	{From: "firmware/cmd/penjired", Deny: "firmware/demo", Why: "a kiosk in service must not link the demonstration"},
	{From: "firmware/cmd/penjire", Deny: "sync/portal", Why: "the technician's tool must not link the portal"},
	{From: "firmware/kiosk", Deny: "sync/portal", Why: "the kiosk must not link the portal"},
	{From: "sync/cmd/portald", Deny: "drivers", TestsToo: true, Why: "the portal has no peripherals"},
	{From: "sync/cmd/portald", Deny: "firmware", TestsToo: true, Why: "the portal must not link the kiosk"},
	{From: "sync/uplink", Deny: "sync/portal", Why: "the kiosk must not link the portal"},
	{From: "sync/portal", Deny: "sync/outbox", Why: "the portal has its own store"},
	{From: "sync/portal", Deny: "sync/uplink", Why: "the portal must not link the kiosk"},
	{From: "sync/wire", Deny: "net/http", Why: "frames are bytes; carriers are elsewhere"},
	{From: "firmware/session", Deny: "drivers", TestsToo: true, Why: "the session is a pure machine"},
	{From: "firmware/session", Deny: "net/http", TestsToo: true, Why: "the session is a pure machine"},
	{From: "firmware/session", Deny: "os", Why: "the session is a pure machine"},
	{From: ".", Deny: "testing", Except: testKits, Why: "product code must not link the testing package"},
	{From: "sync", Deny: "github.com/tarm/serial", Why: "serial lines are drivers/link's"},
}

// testKits are packages that exist to be imported by tests.
var testKits = []string{"*test"}
