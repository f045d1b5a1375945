package config

// Flags holds the settings as they were given on the command line; an empty field was not given. The tags are read by
// the command line parser (name, placeholder, help, negatable) and by Load: std is the default, secret keeps the value
// out of every message. A setting named log-level is also SLUICE_LOG_LEVEL in the environment and "log-level" in the
// file. To add a setting, add a field here and its line in settings of parse.go.
type Flags struct {
	Common `embed:""`

	Listen          string `name:"listen" placeholder:"HOST:PORT" std:"127.0.0.1:8080" help:"Address of the API and the payment page. Port 0 picks a free one. All addresses of the machine, as 0.0.0.0 or without a host, need public-url."`
	PublicURL       string `name:"public-url" placeholder:"URL" help:"Address under which customers and providers reach this server, as https://pay.example. Without it, the address listened on."`
	Demo            *bool  `name:"demo" negatable:"" help:"Create, once, a demo shop with a terminal at the built-in simulator, and run the simulator."`
	SimulatorListen string `name:"simulator-listen" placeholder:"HOST:PORT" std:"127.0.0.1:0" help:"Address of the built-in simulator. Only with demo."`
	ReadyFile       string `name:"ready-file" placeholder:"PATH" help:"Write a JSON file with addresses and demo keys here as soon as the server answers."`
	MetricsListen   string `name:"metrics-listen" placeholder:"HOST:PORT" help:"Address of the metrics page, which must be one of this machine only, as 127.0.0.1:9090. Without it there is no such page. It answers /healthz and /readyz too, until the server has ended."`
	MetricsAnywhere *bool  `name:"metrics-listen-anywhere" negatable:"" help:"Let metrics-listen be an address that other machines reach, as 10.0.0.5:9090. Nobody has to prove who they are there: keep strangers away by other means."`
	TrustedProxies  string `name:"trusted-proxies" placeholder:"CIDR,…" help:"Networks or addresses of the proxies in front whose X-Forwarded-For is believed, separated by commas. The header Forwarded is not read."`
	DrainDelay      string `name:"drain-delay" placeholder:"DURATION" std:"0s" help:"How long a server that is told to stop goes on taking requests while /readyz says that it is stopping, so that a load balancer can notice: longer than the time between two of its probes."`
	AllowDebug      *bool  `name:"allow-debug" negatable:"" help:"Let debuggers attach to the server, and core dumps of it be written. Never where real cards are: its memory shows them."`
	DrainTimeout    string `name:"drain-timeout" placeholder:"DURATION" std:"35s" help:"How long a stopping server waits for running requests. Keep it above the 30 s that a call to a provider may take."`

	MaxConnections           string   `name:"max-connections" placeholder:"N" std:"0" help:"Connections that callers may have open at a time. Beyond it those that send nothing have to make room; where all work, one more is answered 503. 0 is half of the file descriptors that the process may have, at most 8192."`
	MaxConnectionsPerAddress string   `name:"max-connections-per-address" placeholder:"N" std:"0" help:"Of them, those of one address, or of one network of 64 bits of IP version 6. Trusted proxies are excepted. 0 is a quarter of max-connections."`
	PrivateWebhooks          Networks `name:"private-webhooks" placeholder:"[CIDR,…]" negatable:"" help:"Deliver webhooks to these networks or addresses too, separated by commas; alone or as true, to all private and loopback ones. The demo does to loopback ones. Link-local addresses and metadata services of clouds never get any."`
	NeverKeepCards           *bool    `name:"never-keep-cards" negatable:"" help:"Keep no card number in the database, not even sealed: shops cannot have cards kept for their customers, and a card whose payment waits is lost with the process that got it. See docs/vault.md."`
	InsecureHTTP             *bool    `name:"insecure-http" negatable:"" help:"Let live shops have http addresses that are not on this machine: of this server, providers and webhooks. Who is on the way can read and change what is sent there."`
}

// Common holds the settings that every subcommand with a database needs.
type Common struct {
	Config     string `name:"config" placeholder:"PATH" help:"JSON file with settings. A flag wins over the environment, and the environment over the file."`
	Data       string `name:"data" placeholder:"DIR" std:"./sluice-data" help:"Folder for keys and the embedded database, and where commands find the server. Serve, migrate and restore create it if it is missing, no other command does. With the embedded database one server at a time may use it."`
	Database   string `name:"database" placeholder:"URL" secret:"" help:"PostgreSQL database, as postgres://user:password@host/name, with special characters as %40 for @, or where that stands: @FILE or env:NAME. One on another machine has to show its certificate unless sslmode says otherwise: see docs/postgresql.md. Without it, SQLite in the data folder; for other commands, what the server of the data folder uses."`
	MasterKey  string `name:"master-key" placeholder:"PLACE" place:"" help:"Where the key stands that wraps the keys by which secrets in the database are sealed: @FILE, env:NAME, or command:TEXT for what a shell command prints. Without it, master.key in the data folder, which a new installation makes. See docs/vault.md."`
	Connectors string `name:"connectors" placeholder:"DIR" help:"Folder of files *.json that declare connectors to more providers. See docs/connectors.md."`
	LogLevel   string `name:"log-level" placeholder:"LEVEL" std:"info" help:"Least level that is logged: debug, info, warn or error."`
	LogFormat  string `name:"log-format" placeholder:"FORMAT" std:"json" help:"Form of the log: json or text."`
}
