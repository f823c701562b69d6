---@meta guestlua
-- Made by `make doc` from the source; changes here are lost.

---The module: what `require "guestlua"` gives, a global in scripts.
---@class guestlua
---@field BlockDevice guestlua.BlockDevice
---@field Checkpoint guestlua.Checkpoint
---@field Domain guestlua.Domain
---@field Element guestlua.Element
---@field Error guestlua.Error
---@field Group guestlua.Group
---@field Guard guestlua.Guard
---@field Guest guestlua.Guest
---@field Host guestlua.Host
---@field Interface guestlua.Interface
---@field NWFilter guestlua.NWFilter
---@field NWFilterBinding guestlua.NWFilterBinding
---@field Network guestlua.Network
---@field NetworkPort guestlua.NetworkPort
---@field NodeDevice guestlua.NodeDevice
---@field Progress guestlua.Progress
---@field Secret guestlua.Secret
---@field Signal guestlua.Signal
---@field Snapshot guestlua.Snapshot
---@field StoragePool guestlua.StoragePool
---@field StorageVol guestlua.StorageVol
---@field Stream guestlua.Stream
---@field Subscription guestlua.Subscription
---@field Task guestlua.Task
---@field block_job_type { [integer]: string, active_commit: integer, backup: integer, commit: integer, copy: integer, pull: integer, unknown: integer }
---@field device table<string, fun(fields?: table): guestlua.Element> device.disk{…} is element("disk", {…})
---@field job_type { [integer]: string, bounded: integer, cancelled: integer, completed: integer, failed: integer, none: integer, unbounded: integer }
---@field log guestlua.log
---@field power_state { [integer]: string, CRASHED: integer, NOSTATE: integer, PAUSED: integer, RUNNING: integer, SHUTDOWN: integer, SUSPENDED: integer }
---@field version { guestlua: string, libuv: string, libvirt: string, libvirt_compiled: string, libxml2: string, lua: string }
---@field workflow guestlua.workflow
---@field default_uri? string what open() takes without an argument: the command's -c
---@field default_readonly? boolean whether open() is read-only where nothing is said: the command's -r
guestlua = {}

---@class guestlua.AliveResult
---@field tasks integer tasks
---@field ops integer calls in flight
---@field hosts integer connections
---@field guests integer guests
---@field objects integer other objects of libvirt's
---@field subscriptions integer subscriptions

---How many tasks, calls in flight, connections, guests, other objects of libvirt's and subscriptions there are: what a program that should hold none can check.
---@return guestlua.AliveResult
function guestlua.alive() end

---@class guestlua.CallOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised; default: no limit

---Waits until the guest's agent answers: then its system is up. If the guest has no agent configured, or is off, it raises at once.
---@param guest guestlua.Guest the Guest; it must run
---@param options? guestlua.CallOptions
---@return number # the seconds that it took
function guestlua.await_agent(guest, options) end

---dry_run(true): from now on calls that change something are written to the log and not made. A call with success as its only result reports success; any other raises an error of kind "dry_run". New connections are read-only. It cannot be switched off. The command's --dry-run.
---@param on? boolean true; nil: only ask
---@return boolean # whether this is a dry run
function guestlua.dry_run(on) end

---Makes an Element: of XML text, or of a name and a table. In the table scalars are attributes, tables (and Elements) are child elements, a list repeats the element, and [1] is the text.
---@param name string the element's name, or XML text
---@param fields? any the table; nil: `name` is XML text
---@return guestlua.Element
function guestlua.element(name, fields) end

---Opens libvirt's QEMU driver inside this process: no daemon, no root. Makes the directory and the qemu.conf in it if they are missing.
---@param dir string the directory that the driver keeps its state in; one a process
---@return guestlua.Host
function guestlua.embedded(dir) end

---Prepares the directory for libvirt's embedded QEMU driver (no daemon, no root) and returns its URI. guestlua.embedded(dir) opens it too.
---@param dir string the directory that the driver keeps its state in, at most 49 characters (29 for long names of guests); made if it is missing. One a process, and one process a directory
---@return string # string: the URI
function guestlua.embedded_uri(dir) end

---@class guestlua.FleetOptions
---@field ansible? boolean the path is an inventory of Ansible's, "" its default; ansible-inventory reads it. The URI is the variable guestlua_uri, or qemu+ssh to where Ansible connects
---@field readonly? boolean open them read-only
---@field keepalive? integer seconds between keepalive probes, as guestlua.open takes it
---@field connect_timeout? number seconds that each host has to connect; default: 30
---@field connect_limit? integer how many connections are made at a time; default: 8 by SSH, 32 of the others
---@field reconnect_limit? integer how many are opened again at a time; default: 4

---Connects to many hosts, beside each other. What cannot be used is in `problems`, and the others go on: a host that is unreachable, slow, named twice, a line of the inventory that is wrong. A connection that is lost is opened again, a few at a time and not all at once.
---@param hosts string|any[] a list of URIs, or of {name=, uri=}; or the path of a file with NAME URI, or a URI alone, on each line, and # before what is no host
---@param options? guestlua.FleetOptions
---@return guestlua.Fleet
function guestlua.fleet(hosts, options) end

---@class guestlua.GroupOptions
---@field limit? integer how many of its tasks may run at once; nil: all

---Makes a group of tasks: local group <close> = guestlua.group{limit=8}. The first task that fails cancels the others and its error is raised once, by group:wait() or at the end of the scope; leaving the scope cancels the tasks that still run and waits for them.
---@param options? guestlua.GroupOptions
---@return guestlua.Group # Group: spawn(fn, …), wait(), cancel()
function guestlua.group(options) end

---Whether an open file is a terminal.
---@param file any an open file, such as io.stdout
---@return boolean
function guestlua.isatty(file) end

---@class guestlua.JournalOptions
---@field dir? string a directory, made if it is missing; default: $XDG_STATE_HOME/guestlua/journal, or ~/.local/state/guestlua/journal, or /var/lib/guestlua for root without a home

---Sets the directory of the workflows' journal, before the first workflow: guestlua.journal{dir=…}. A recovery needs the same one. Only this user can read its files, because they hold configurations with their secrets.
---@param options? guestlua.JournalOptions
---@return string # the directory
function guestlua.journal(options) end

---The value as JSON: for a web service, jq or a file. A table with the keys 1, 2 … is an array. Guests, Elements and functions are texts, and an Error has its fields. What is called like a secret, as "password", is masked. It needs the Lua module dkjson, which can also read JSON.
---@param value? any any value
---@return string
function guestlua.json(value) end

---@class guestlua.MapOptions
---@field limit? integer how many calls may run at once; nil: all

---Calls fn(value, index) for each value of a list, in tasks of a group.
---@param list any[] the values
---@param fn function called with each value and its index
---@param options? guestlua.MapOptions
---@return table # a table: the first result of each call, at the value's index
function guestlua.map(list, fn, options) end

---Seconds on a clock that only goes forward; only differences are meaningful.
---@return number
function guestlua.now() end

---@class guestlua.OpenOptions
---@field readonly? boolean open it read-only: calls that change something are refused by libvirt
---@field no_aliases? boolean take the URI as it is: it is no alias of libvirt.conf's; libvirt has that for connections to a daemon
---@field keepalive? integer seconds between keepalive probes, default: 5, 0: none; after 6 without an answer the connection is given up
---@field reconnect? boolean open it again if it is lost, as often as it takes; each subscription then gets an event "reconnected", as what happened meanwhile was not heard. Calls made while it is lost fail
---@field auth? function|table what the host asks for: a table as {authname=, passphrase=}, or a function that gets each question {type, prompt, challenge, default, secret} and returns the answer, or nil to give up. Types: authname, passphrase, realm, echo_prompt, no_echo_prompt. The answers are kept for when the connection is opened again
---@field timeout? number seconds that an attempt may take, over any transport; in a task the default is 30

---Connects to libvirt. Over ssh nothing is ever asked: keys have to be there, and the host's key known. What else a host asks for comes from libvirt's auth.conf, from `auth`, or, in the command, from the terminal if there is one; without any of them it is an error.
---@param uri? string libvirt's connection URI; nil: guestlua.default_uri (the command's -c), then $LIBVIRT_DEFAULT_URI, then libvirt's own default
---@param options? guestlua.OpenOptions
---@return guestlua.Host
function guestlua.open(uri, options) end

---@class guestlua.PlanResult
---@field call string? libvirt's function, or "make_image" and the like for actions without one
---@field op string? the method that was called
---@field host string the host's URI
---@field object_type string? the kind of object, if it is no guest, for example "network"
---@field object string? its name
---@field guest string? the guest's name
---@field device string? the device's name, for example its alias or target
---@field arguments table? the arguments, by name
---@field changes table? of a guest's configuration that is written anew: the lines that go, each after a -, and those that come, after a +
---@field refused true? the script got an error, because the call's result cannot be known
---@field workflow string? the workflow that it belongs to
---@field step string? the workflow's step
---@field undoing true? the workflow had failed
---@field waits_for string? the wait that would follow it

---The changes that a dry run has held back so far, in order: what the script would change. The command's --dry-run prints it in the end. A workflow returns its own part as `plan`.
---@return guestlua.PlanResult[]
function guestlua.plan() end

---@class guestlua.ProgressOptions
---@field total? number the total number of bytes; update can set it later

---Shows progress on standard error: local progress <close> = guestlua.progress("commit vda"). On a terminal each open one has a line with a bar, per cent, bytes, rate and time left, below the script's output; elsewhere a line is written every five seconds.
---@param label string what it is of
---@param options? guestlua.ProgressOptions
---@return guestlua.Progress
function guestlua.progress(label, options) end

---The rates per second between two results of host:stats, or of guest:stats: bytes, requests, nanoseconds of processor time. Disks and network interfaces are known by their names. A counter that went down has no rate, because the guest was restarted; nor has a value that only one of the two has, nor a size or a state.
---@param a table the earlier answer
---@param b table the later one
---@return table # a table like the two, with rates: guestlua.rates(a, b).web.cpu.time / 1e9 is the number of busy processors
function guestlua.rates(a, b) end

---@class guestlua.RecoverResult
---@field id string the run's, as `guestlua recover --forget` takes it
---@field workflow string the workflow or guard
---@field guest string the guest's name
---@field step string the last step that the run reached
---@field outcome string? what was done
---@field error guestlua.Error? why it is set aside
---@field problem string? why the entry was not examined: damaged, or of another version, user or machine
---@field left table[]? files that stay: path, why

---@class guestlua.RecoverOptions
---@field guest? string the name or UUID of the only guest to recover
---@field adopt? boolean also take over runs that cannot be seen from here, as on another machine: only if they are over for good

---Finds the leftovers of killed workflows and killed guards on the guests of a host (an overlay, a job, frozen file systems, a paused guest) and finishes them or takes them back, the newest first, as the present state allows. Living runs are left alone. A second call changes nothing more. An entry that cannot be settled stays in the journal, set aside with its reason, and is tried again next time; the first time its error is raised in the end, with all results in the error's field `results`.
---@param host guestlua.Host the Host
---@param options? guestlua.RecoverOptions
---@return guestlua.RecoverResult[]
function guestlua.recover(host, options) end

---@class guestlua.RunOptions
---@field args? string[] a list of its arguments, all strings
---@field input? string its standard input; default: nothing
---@field timeout? number seconds; after that the program is ended, and an error of kind "timeout" is raised, with its output so far in `output` and `errors`
---@field cwd? string its working directory
---@field env? table additional environment variables, for example {LANG = "C"}; false removes one

---Runs a program of this host, as os.execute and io.popen do, while the other tasks run on. There is no shell in between. It waits until the program has ended and its outputs are closed: a process that the program leaves in the background is waited for as well, unless its outputs go elsewhere (`>FILE 2>&1` in a shell). If its task is cancelled or its time is over, the program and all that it started get SIGTERM, and SIGKILL two seconds later. A dry run starts none.
---@param program string the program; without a slash in it PATH is searched
---@param options? guestlua.RunOptions
---@return integer code
---@return string output
---@return string errors
function guestlua.run(program, options) end

---@class guestlua.ServeOptions
---@field timeout? number seconds after which it returns anyway; default: no limit

---Waits for the handlers of on() until none is left, because they were closed, their connections were closed or their time is over. This keeps a script running past its last line. A signal that stops the script (Ctrl-C, SIGTERM) ends it like any wait, with an error of kind "interrupted". If a connection is lost and not opened again (option reconnect of open), its error is raised.
---@param options? guestlua.ServeOptions
---@return boolean # true; false if the time was over while handlers were left
function guestlua.serve(options) end

---Makes a Signal.
---@return guestlua.Signal
function guestlua.signal() end

---Waits, and lets other tasks run meanwhile.
---@param seconds number the duration in seconds, from 0 up
function guestlua.sleep(seconds) end

---Starts a task, which runs fn(…) beside this one: while one of them waits for libvirt, the other runs.
---@param fn any the function
---@param ... any its arguments
---@return guestlua.Task
function guestlua.spawn(fn, ...) end

---Calls fn(…) and cancels it after `seconds`: its to-be-closed variables undo their changes, and then an error of kind "timeout" is raised, with still_running = true if a call is still running in libvirt.
---@param seconds number how long it may take
---@param fn function the function
---@param ... any its arguments
---@return any ...
function guestlua.timeout(seconds, fn, ...) end

---A connection to libvirt: guestlua.open makes one.
---@class guestlua.Host: userdata
---@field hostname string The host name of the machine that runs the guests.
---@field libvirt_version string The version of the libvirt at the other end of the connection.
---@field uri string The URI of the connection, as libvirt completed it.
local Host = {}

---@class guestlua.AllocPagesOptions
---@field add? boolean so many more
---@field set? boolean so many: what nothing is said means
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets aside large pages for guests, in each of some NUMA cells.
---
---libvirt: `virNodeAllocPages`
---@param sizes integer[] the sizes of the pages, in KiB
---@param counts integer[] how many of each size there are to be
---@param first? integer the first cell; nil: 0; -1: any
---@param count? integer how many cells; nil: 1
---@param options? guestlua.AllocPagesOptions
---@return integer # integer: how many sizes were set
function Host:alloc_pages(sizes, counts, first, count, options) end

---@class guestlua.BaselineCpuOptions
---@field expand_features? boolean name the features of the model too
---@field migratable? boolean without features that keep a guest from migrating
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The processor that all of the given ones can be, as XML.
---
---libvirt: `virConnectBaselineCPU`
---@param xml_cpus string[] <cpu> elements, as XML texts
---@param options? guestlua.BaselineCpuOptions
---@return string
function Host:baseline_cpu(xml_cpus, options) end

---@class guestlua.BaselineHypervisorCpuOptions
---@field expand_features? boolean name the features of the model too
---@field migratable? boolean without features that keep a guest from migrating
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The processor that all of the given ones can be with one hypervisor, as XML.
---
---libvirt: `virConnectBaselineHypervisorCPU`
---@param emulator? string the path of the emulator
---@param arch? string the architecture, as "x86_64"
---@param machine? string the machine type, as "q35"
---@param virttype? string the kind of virtualization, as "kvm"
---@param xml_cpus string[] <cpu> elements, as XML texts
---@param options? guestlua.BaselineHypervisorCpuOptions
---@return string
function Host:baseline_hypervisor_cpu(emulator, arch, machine, virttype, xml_cpus, options) end

---@class guestlua.CapabilitiesOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The capabilities of the host and its hypervisor.
---@param options? guestlua.CapabilitiesOptions
---@return guestlua.Element
function Host:capabilities(options) end

---Closes the connection and all its guests and subscriptions: later uses of them raise an error of kind "closed". Calls under way are not disturbed. Closing twice is harmless.
---
---libvirt: `virConnectClose`
function Host:close() end

---@class guestlua.CompareCpuOptions
---@field fail_incompatible? boolean raise an error if it is incompatible
---@field validate_xml? boolean check it against libvirt's schema first
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Whether the host's processor can do all that the given one can: "incompatible", "identical", "superset".
---
---libvirt: `virConnectCompareCPU`
---@param xml_desc guestlua.Element|string an Element or XML text
---@param options? guestlua.CompareCpuOptions
---@return string
function Host:compare_cpu(xml_desc, options) end

---@class guestlua.CompareHypervisorCpuOptions
---@field fail_incompatible? boolean raise an error if it is incompatible
---@field validate_xml? boolean check it against libvirt's schema first
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Whether what a hypervisor can give a guest has all that the given processor has.
---
---libvirt: `virConnectCompareHypervisorCPU`
---@param emulator? string the path of the emulator
---@param arch? string the architecture, as "x86_64"
---@param machine? string the machine type, as "q35"
---@param virttype? string the kind of virtualization, as "kvm"
---@param xml_cpu guestlua.Element|string a <cpu> element
---@param options? guestlua.CompareHypervisorCpuOptions
---@return string
function Host:compare_hypervisor_cpu(emulator, arch, machine, virttype, xml_cpu, options) end

---@class guestlua.CreateXmlOptions
---@field autodestroy? boolean it ends with this connection
---@field bypass_cache? boolean read a saved memory past the host's cache
---@field force_boot? boolean from the beginning: drop a saved memory
---@field paused? boolean leave its processors paused
---@field reset_nvram? boolean with fresh UEFI variables
---@field validate? boolean check it against libvirt's schema first
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Starts a guest that is gone when it stops (transient).
---
---libvirt: `virDomainCreateXML`
---@param xml_desc guestlua.Element|string an Element or XML text
---@param options? guestlua.CreateXmlOptions
---@return guestlua.Guest
function Host:create_xml(xml_desc, options) end

---@class guestlua.CreateXmlWithFilesOptions
---@field paused? boolean start it paused
---@field autodestroy? boolean destroy it when this connection closes
---@field validate? boolean check the configuration against libvirt's schema
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Starts a transient guest, and hands open files to its first program: for containers.
---
---libvirt: `virDomainCreateXMLWithFiles`
---@param xml guestlua.Element|string its configuration: an Element or XML text
---@param files file|files[] what the guest's first program gets, from descriptor 3 on
---@param options? guestlua.CreateXmlWithFilesOptions
---@return guestlua.Guest
function Host:create_xml_with_files(xml, files, options) end

---@class guestlua.DefineXmlOptions
---@field validate? boolean check it against libvirt's schema first
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Defines a guest, or redefines the one of the same UUID. It is not started.
---
---libvirt: `virDomainDefineXMLFlags`
---@param xml guestlua.Element|string an Element or XML text
---@param options? guestlua.DefineXmlOptions
---@return guestlua.Guest
function Host:define_xml(xml, options) end

---@class guestlua.DomainCapabilitiesOptions
---@field emulator? string the path of the emulator
---@field arch? string the architecture, for example "x86_64"
---@field machine? string the machine type, for example "q35"
---@field virttype? string the kind of virtualization, for example "kvm"
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The capabilities for guests: machine types, processor models, kinds of devices.
---@param options? guestlua.DomainCapabilitiesOptions
---@return guestlua.Element
function Host:domain_capabilities(options) end

---@class guestlua.DomainXmlFromNativeOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---A guest's configuration from a hypervisor's own, as XML: nativeFormat "qemu-argv", "xen-xm" ...
---
---libvirt: `virConnectDomainXMLFromNative`
---@param native_format string the format, as "qemu-argv"
---@param native_config string the configuration in that format
---@param options? guestlua.DomainXmlFromNativeOptions
---@return string
function Host:domain_xml_from_native(native_format, native_config, options) end

---@class guestlua.DomainXmlToNativeOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---A hypervisor's own configuration from a guest's: nativeFormat "qemu-argv" gives QEMU's command line.
---
---libvirt: `virConnectDomainXMLToNative`
---@param native_format string the format, as "qemu-argv"
---@param domain_xml guestlua.Element|string the guest's configuration
---@param options? guestlua.DomainXmlToNativeOptions
---@return string
function Host:domain_xml_to_native(native_format, domain_xml, options) end

---@class guestlua.EventsOptions
---@field match? function called with each such event: returns whether it counts; default: all do
---@field timeout? number seconds for the whole loop; default: no limit
---@field qemu_event? string of "qemu_monitor" only events that QEMU calls so, as "RESET"; default: all

---For a loop: for event in object:events({name, another}, {timeout=60}) do. Receives the named events from this call on, until the loop is left or the time is over. Events dropped because nobody fetched them are reported as an event "lost" with their count. Names and options may stand in one table: object:events{name, another, timeout=60}.
---@param names string|table an event's name, or a list of them
---@param options? guestlua.EventsOptions
---@return fun(): table
function Host:events(names, options) end

---@class guestlua.FindStoragePoolSourcesOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---What pools of a type could be made of, as XML.
---
---libvirt: `virConnectFindStoragePoolSources`
---@param type string the type of pool, as "logical"
---@param src_spec? string where to look: a <source> element as XML text
---@param options? guestlua.FindStoragePoolSourcesOptions
---@return string
function Host:find_storage_pool_sources(type, src_spec, options) end

---@class guestlua.GetAllDomainStatsResult
---@field guest guestlua.Guest the guest
---@field stats table<string, any> values by libvirt's names, as in "cpu.time"

---@class guestlua.GetAllDomainStatsOptions
---@field types? integer|string[] what is asked for, as {"cpu_total", "block"}; nil: all
---@field nowait? boolean leave out what a guest that is busy does not say at once
---@field backing? boolean of all images of a disk, and not only of the top one
---@field enforce_stats? boolean fail if something cannot be said
---@field active? boolean only those that run, or only those that do not
---@field persistent? boolean only those with a persistent configuration, or only those without
---@field running? boolean those that run
---@field paused? boolean those that are paused
---@field shutoff? boolean those that are off
---@field other? boolean those in another state
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The statistics of all guests, in one call.
---
---libvirt: `virConnectGetAllDomainStats`
---@param options? guestlua.GetAllDomainStatsOptions
---@return guestlua.GetAllDomainStatsResult[]
function Host:get_all_domain_stats(options) end

---@class guestlua.GetCapabilitiesOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---What the host and its hypervisor can do, as XML. host:capabilities() gives it as an Element.
---
---libvirt: `virConnectGetCapabilities`
---@param options? guestlua.GetCapabilitiesOptions
---@return string
function Host:get_capabilities(options) end

---@class guestlua.GetCellsFreeMemoryOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---How much memory is free in each of the host's NUMA cells.
---
---libvirt: `virNodeGetCellsFreeMemory`
---@param first? integer the first cell; nil: 0
---@param count? integer how many cells at most; nil: all
---@param options? guestlua.GetCellsFreeMemoryOptions
---@return integer[] # a list of bytes, a cell each
function Host:get_cells_free_memory(first, count, options) end

---@class guestlua.GetCpuMapOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Which of the host's processors are in use.
---
---libvirt: `virNodeGetCPUMap`
---@param options? guestlua.GetCpuMapOptions
---@return integer[] online
---@return integer count
function Host:get_cpu_map(options) end

---@class guestlua.GetCpuModelNamesOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The processor models that libvirt knows of an architecture.
---
---libvirt: `virConnectGetCPUModelNames`
---@param arch string the architecture, as "x86_64"
---@param options? guestlua.GetCpuModelNamesOptions
---@return string[]
function Host:get_cpu_model_names(arch, options) end

---@class guestlua.GetCpuStatsOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---How the host's processors spent their time since it was started: kernel, user, idle, iowait ...
---
---libvirt: `virNodeGetCPUStats`
---@param cpu? integer the number of the processor; nil: all of them together
---@param options? guestlua.GetCpuStatsOptions
---@return table<string,integer> # nanoseconds by name
function Host:get_cpu_stats(cpu, options) end

---@class guestlua.GetDomainCapabilitiesOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---What guests can have of one emulator, architecture and machine type, as XML. host:domain_capabilities() gives it as an Element.
---
---libvirt: `virConnectGetDomainCapabilities`
---@param emulatorbin? string the path of the emulator; nil: libvirt's choice
---@param arch? string the architecture, as "x86_64"
---@param machine? string the machine type, as "q35"
---@param virttype? string the kind of virtualization, as "kvm"
---@param options? guestlua.GetDomainCapabilitiesOptions
---@return string
function Host:get_domain_capabilities(emulatorbin, arch, machine, virttype, options) end

---@class guestlua.GetFreeMemoryOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---How much of the host's memory is free.
---
---libvirt: `virNodeGetFreeMemory`
---@param options? guestlua.GetFreeMemoryOptions
---@return integer # integer: bytes
function Host:get_free_memory(options) end

---@class guestlua.GetFreePagesOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---How many pages of each size are free in each of some NUMA cells.
---
---libvirt: `virNodeGetFreePages`
---@param sizes integer[] the sizes of the pages, in KiB
---@param first? integer the first cell; nil: 0
---@param count? integer how many cells; nil: 1
---@param options? guestlua.GetFreePagesOptions
---@return integer[] # a list of numbers: for each cell those of all sizes
function Host:get_free_pages(sizes, first, count, options) end

---@class guestlua.GetInfoResult
---@field model string string indicating the CPU model
---@field memory integer memory size in kilobytes
---@field cpus integer the number of active CPUs
---@field mhz integer expected CPU frequency, 0 if not known or on unusual architectures
---@field nodes integer the number of NUMA cell, 1 for unusual NUMA topologies or uniform memory access; check capabilities XML for the actual NUMA topology
---@field sockets integer number of CPU sockets per node if nodes > 1, 1 in case of unusual NUMA topology
---@field cores integer number of cores per socket, total number of processors in case of unusual NUMA topology
---@field threads integer number of threads per core, 1 in case of unusual numa topology

---@class guestlua.GetInfoOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The host's processors and memory.
---
---libvirt: `virNodeGetInfo`
---@param options? guestlua.GetInfoOptions
---@return guestlua.GetInfoResult
function Host:get_info(options) end

---@class guestlua.GetMaxVcpusOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---How many processors a guest can have at most.
---
---libvirt: `virConnectGetMaxVcpus`
---@param type? string of which kind of guests, as "kvm"; nil: the driver's own
---@param options? guestlua.GetMaxVcpusOptions
---@return integer
function Host:get_max_vcpus(type, options) end

---@class guestlua.GetMemoryParametersOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---How the host merges equal pages of memory (KSM).
---
---libvirt: `virNodeGetMemoryParameters`
---@param options? guestlua.GetMemoryParametersOptions
---@return table<string,any> # values by libvirt's names
function Host:get_memory_parameters(options) end

---@class guestlua.GetMemoryStatsOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---How the host's memory is used: total, free, buffers, cached.
---
---libvirt: `virNodeGetMemoryStats`
---@param cell? integer the number of the NUMA cell; nil: all of them together
---@param options? guestlua.GetMemoryStatsOptions
---@return table<string,integer> # KiB by name
function Host:get_memory_stats(cell, options) end

---@class guestlua.GetSecurityModelResult
---@field model string security model string
---@field doi string domain of interpretation

---@class guestlua.GetSecurityModelOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The host's security model, and its domain of interpretation.
---
---libvirt: `virNodeGetSecurityModel`
---@param options? guestlua.GetSecurityModelOptions
---@return guestlua.GetSecurityModelResult
function Host:get_security_model(options) end

---@class guestlua.GetSevInfoOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---What the host has of AMD's memory encryption (SEV).
---
---libvirt: `virNodeGetSEVInfo`
---@param options? guestlua.GetSevInfoOptions
---@return table<string,any> # values by libvirt's names
function Host:get_sev_info(options) end

---@class guestlua.GetStoragePoolCapabilitiesOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---What kinds of storage pools there can be, as XML.
---
---libvirt: `virConnectGetStoragePoolCapabilities`
---@param options? guestlua.GetStoragePoolCapabilitiesOptions
---@return string
function Host:get_storage_pool_capabilities(options) end

---@class guestlua.GetSysinfoOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---What the host's firmware says of the machine (SMBIOS), as XML.
---
---libvirt: `virConnectGetSysinfo`
---@param options? guestlua.GetSysinfoOptions
---@return string
function Host:get_sysinfo(options) end

---The name of the driver, as "QEMU".
---
---libvirt: `virConnectGetType`
---@return string
function Host:get_type() end

---@class guestlua.GetVersionOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The version of the hypervisor, as a number: 1000000 * major + 1000 * minor + release.
---
---libvirt: `virConnectGetVersion`
---@param options? guestlua.GetVersionOptions
---@return integer
function Host:get_version(options) end

---@class guestlua.GuestOptions
---@field required? boolean raise an error of kind "no_domain" if there is none, instead of returning nil
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Looks up a guest by its name or its UUID.
---
---libvirt: `virDomainLookupByName`
---@param name_or_uuid string the guest's name or UUID; a name that reads like a UUID is looked up as a UUID first
---@param options? guestlua.GuestOptions
---@return guestlua.Guest? # Guest, or nil if there is none
function Host:guest(name_or_uuid, options) end

---@class guestlua.GuestsOptions
---@field active? boolean only active guests, or only inactive ones
---@field persistent? boolean only those with a persistent configuration, or only those without
---@field running? boolean those that run; with others of these four, those in any of the states
---@field paused? boolean those that are paused
---@field shutoff? boolean those that are off
---@field other? boolean those in any other state
---@field managed_save? boolean only those with their memory saved on the host, or only the others
---@field autostart? boolean only those that start with their host, or only the others
---@field has_snapshot? boolean only those with snapshots, or only the others
---@field has_checkpoint? boolean only those with checkpoints, or only the others
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the guests of the host.
---
---libvirt: `virConnectListAllDomains`
---@param options? guestlua.GuestsOptions
---@return guestlua.Guest[]
function Host:guests(options) end

---@class guestlua.HypervisorCpuBaselineOptions
---@field expand_features? boolean name the features of the model too
---@field migratable? boolean without features that keep a guest from migrating
---@field emulator? string the path of the emulator
---@field arch? string the architecture, for example "x86_64"
---@field machine? string the machine type, for example "q35"
---@field virttype? string the kind of virtualization, for example "kvm"; default: libvirt's choice
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The processor that guests can have on each of several hosts: the most that all of the given ones can do.
---@param cpus any[] a list of <cpu> elements, Elements or XML texts: one of each host, from its domain_capabilities
---@param options? guestlua.HypervisorCpuBaselineOptions
---@return guestlua.Element # a <cpu> element for a guest's configuration
function Host:hypervisor_cpu_baseline(cpus, options) end

---@class guestlua.HypervisorCpuCompareOptions
---@field validate? boolean check it against libvirt's schema first
---@field emulator? string the path of the emulator
---@field arch? string the architecture, for example "x86_64"
---@field machine? string the machine type, for example "q35"
---@field virttype? string the kind of virtualization, for example "kvm"; default: libvirt's choice
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Whether guests of a hypervisor can have this processor.
---@param cpu guestlua.Element|string a <cpu> element, as a guest's configuration or another host's domain_capabilities have it
---@param options? guestlua.HypervisorCpuCompareOptions
---@return string # "incompatible", "identical" or "superset": the hypervisor can give more
function Host:hypervisor_cpu_compare(cpu, options) end

---@class guestlua.ImageUsersOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Which guests need these images: they have them as a disk, below one, or in a snapshot. Only the guests of this host count. It reads what the images are based on, so it runs on the host itself, and raises an error if an image cannot be read.
---@param paths string[] a list of the images' absolute paths
---@param options? guestlua.ImageUsersOptions
---@return table # a table: for each path a list of the names of guests, empty if no guest needs it
function Host:image_users(paths, options) end

---@class guestlua.InterfaceOptions
---@field required? boolean raise an error of kind "no_interface" if there is none
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Looks up the interface with that name.
---@param name string the interface's name
---@param options? guestlua.InterfaceOptions
---@return guestlua.Interface? # Interface, or nil if there is none
function Host:interface(name, options) end

---@class guestlua.InterfaceChangeBeginOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Begins a change of the host's interfaces that can be taken back.
---
---libvirt: `virInterfaceChangeBegin`
---@param options? guestlua.InterfaceChangeBeginOptions
function Host:interface_change_begin(options) end

---@class guestlua.InterfaceChangeCommitOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Keeps what was changed of the host's interfaces since interface_change_begin.
---
---libvirt: `virInterfaceChangeCommit`
---@param options? guestlua.InterfaceChangeCommitOptions
function Host:interface_change_commit(options) end

---@class guestlua.InterfaceChangeRollbackOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Takes back what was changed of the host's interfaces since interface_change_begin.
---
---libvirt: `virInterfaceChangeRollback`
---@param options? guestlua.InterfaceChangeRollbackOptions
function Host:interface_change_rollback(options) end

---@class guestlua.InterfaceDefineXmlOptions
---@field validate? boolean check it against libvirt's schema first
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Defines a network interface of the host. It is not started.
---
---libvirt: `virInterfaceDefineXML`
---@param xml guestlua.Element|string an Element or XML text
---@param options? guestlua.InterfaceDefineXmlOptions
---@return guestlua.Interface
function Host:interface_define_xml(xml, options) end

---@class guestlua.InterfaceLookupByMacStringOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Finds a network interface of the host by its MAC address.
---
---libvirt: `virInterfaceLookupByMACString`
---@param macstr string the MAC address
---@param options? guestlua.InterfaceLookupByMacStringOptions
---@return guestlua.Interface?
function Host:interface_lookup_by_mac_string(macstr, options) end

---@class guestlua.InterfaceLookupByNameOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Finds a network interface of the host by its name.
---
---libvirt: `virInterfaceLookupByName`
---@param name string its name
---@param options? guestlua.InterfaceLookupByNameOptions
---@return guestlua.Interface?
function Host:interface_lookup_by_name(name, options) end

---@class guestlua.InterfacesOptions
---@field active? boolean true: only those that are active; false: only those that are inactive
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the host's network interfaces.
---
---libvirt: `virConnectListAllInterfaces`
---@param options? guestlua.InterfacesOptions
---@return guestlua.Interface[]
function Host:interfaces(options) end

---@class guestlua.IsAliveOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Whether the connection still works.
---
---libvirt: `virConnectIsAlive`
---@param options? guestlua.IsAliveOptions
---@return boolean
function Host:is_alive(options) end

---@class guestlua.IsEncryptedOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Whether what goes over the connection is encrypted.
---
---libvirt: `virConnectIsEncrypted`
---@param options? guestlua.IsEncryptedOptions
---@return boolean
function Host:is_encrypted(options) end

---@class guestlua.IsSecureOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Whether nobody can listen: the connection is encrypted, or does not leave the machine.
---
---libvirt: `virConnectIsSecure`
---@param options? guestlua.IsSecureOptions
---@return boolean
function Host:is_secure(options) end

---@class guestlua.ListAllDomainsOptions
---@field active? boolean those that are active
---@field autostart? boolean those that start with the host
---@field has_checkpoint? boolean those with a checkpoint
---@field has_snapshot? boolean those with a snapshot
---@field inactive? boolean those that are inactive
---@field managedsave? boolean those with a saved memory
---@field no_autostart? boolean those that do not start with the host
---@field no_checkpoint? boolean those without a checkpoint
---@field no_managedsave? boolean those without a saved memory
---@field no_snapshot? boolean those without a snapshot
---@field other? boolean those in any other state
---@field paused? boolean those that are paused
---@field persistent? boolean those that are persistent
---@field running? boolean those that are running
---@field shutoff? boolean those that are off
---@field transient? boolean those that are transient
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the guests. host:guests() has fewer words for the same.
---
---libvirt: `virConnectListAllDomains`
---@param options? guestlua.ListAllDomainsOptions
---@return guestlua.Guest[]
function Host:list_all_domains(options) end

---@class guestlua.ListAllInterfacesOptions
---@field active? boolean those that are active
---@field inactive? boolean those that are inactive
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the host's network interfaces. host:interfaces() has fewer words for the same.
---
---libvirt: `virConnectListAllInterfaces`
---@param options? guestlua.ListAllInterfacesOptions
---@return guestlua.Interface[]
function Host:list_all_interfaces(options) end

---@class guestlua.ListAllNetworksOptions
---@field active? boolean those that are active
---@field autostart? boolean those that start with the host
---@field inactive? boolean those that are inactive
---@field no_autostart? boolean those that do not start with the host
---@field persistent? boolean those that are persistent
---@field transient? boolean those that are transient
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the networks. host:networks() has fewer words for the same.
---
---libvirt: `virConnectListAllNetworks`
---@param options? guestlua.ListAllNetworksOptions
---@return guestlua.Network[]
function Host:list_all_networks(options) end

---@class guestlua.ListAllNodeDevicesOptions
---@field active? boolean those that are active
---@field cap_ap_card? boolean devices of the kind ap card
---@field cap_ap_matrix? boolean devices of the kind ap matrix
---@field cap_ap_queue? boolean devices of the kind ap queue
---@field cap_ccw_dev? boolean devices of the kind ccw dev
---@field cap_css_dev? boolean devices of the kind css dev
---@field cap_drm? boolean devices of the kind drm
---@field cap_fc_host? boolean devices of the kind fc host
---@field cap_mdev? boolean devices of the kind mdev
---@field cap_mdev_types? boolean devices of the kind mdev types
---@field cap_net? boolean devices of the kind net
---@field cap_pci_dev? boolean devices of the kind pci dev
---@field cap_scsi? boolean devices of the kind scsi
---@field cap_scsi_generic? boolean devices of the kind scsi generic
---@field cap_scsi_host? boolean devices of the kind scsi host
---@field cap_scsi_target? boolean devices of the kind scsi target
---@field cap_storage? boolean devices of the kind storage
---@field cap_system? boolean devices of the kind system
---@field cap_usb_dev? boolean devices of the kind usb dev
---@field cap_usb_interface? boolean devices of the kind usb interface
---@field cap_vdpa? boolean devices of the kind vdpa
---@field cap_vpd? boolean devices of the kind vpd
---@field cap_vports? boolean devices of the kind vports
---@field inactive? boolean those that are inactive
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the host's devices. host:node_devices() has fewer words for the same.
---
---libvirt: `virConnectListAllNodeDevices`
---@param options? guestlua.ListAllNodeDevicesOptions
---@return guestlua.NodeDevice[]
function Host:list_all_node_devices(options) end

---@class guestlua.ListAllNwfilterBindingsOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists which network filters are in force on which ports. host:nwfilter_bindings() is the same.
---
---libvirt: `virConnectListAllNWFilterBindings`
---@param options? guestlua.ListAllNwfilterBindingsOptions
---@return guestlua.NWFilterBinding[]
function Host:list_all_nwfilter_bindings(options) end

---@class guestlua.ListAllNwfiltersOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the network filters. host:nwfilters() is the same.
---
---libvirt: `virConnectListAllNWFilters`
---@param options? guestlua.ListAllNwfiltersOptions
---@return guestlua.NWFilter[]
function Host:list_all_nwfilters(options) end

---@class guestlua.ListAllSecretsOptions
---@field ephemeral? boolean those that are ephemeral
---@field no_ephemeral? boolean those that are not ephemeral
---@field no_private? boolean those that are not private
---@field private? boolean those that are private
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the secrets. host:secrets() has fewer words for the same.
---
---libvirt: `virConnectListAllSecrets`
---@param options? guestlua.ListAllSecretsOptions
---@return guestlua.Secret[]
function Host:list_all_secrets(options) end

---@class guestlua.ListAllStoragePoolsOptions
---@field active? boolean those that are active
---@field autostart? boolean those that start with the host
---@field dir? boolean pools of the type dir
---@field disk? boolean pools of the type disk
---@field fs? boolean pools of the type fs
---@field gluster? boolean pools of the type gluster
---@field inactive? boolean those that are inactive
---@field iscsi? boolean pools of the type iscsi
---@field iscsi_direct? boolean pools of the type iscsi direct
---@field logical? boolean pools of the type logical
---@field mpath? boolean pools of the type mpath
---@field netfs? boolean pools of the type netfs
---@field no_autostart? boolean those that do not start with the host
---@field persistent? boolean those that are persistent
---@field rbd? boolean pools of the type rbd
---@field scsi? boolean pools of the type scsi
---@field sheepdog? boolean pools of the type sheepdog
---@field transient? boolean those that are transient
---@field vstorage? boolean pools of the type vstorage
---@field zfs? boolean pools of the type zfs
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the storage pools. host:pools() has fewer words for the same.
---
---libvirt: `virConnectListAllStoragePools`
---@param options? guestlua.ListAllStoragePoolsOptions
---@return guestlua.StoragePool[]
function Host:list_all_storage_pools(options) end

---@class guestlua.LookupByIdOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Finds a running guest by its number.
---
---libvirt: `virDomainLookupByID`
---@param id integer its number
---@param options? guestlua.LookupByIdOptions
---@return guestlua.Guest?
function Host:lookup_by_id(id, options) end

---@class guestlua.LookupByNameOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Finds a guest by its name.
---
---libvirt: `virDomainLookupByName`
---@param name string its name
---@param options? guestlua.LookupByNameOptions
---@return guestlua.Guest?
function Host:lookup_by_name(name, options) end

---@class guestlua.LookupByUuidStringOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Finds a guest by its UUID.
---
---libvirt: `virDomainLookupByUUIDString`
---@param uuidstr string its UUID
---@param options? guestlua.LookupByUuidStringOptions
---@return guestlua.Guest?
function Host:lookup_by_uuid_string(uuidstr, options) end

---@class guestlua.NetworkOptions
---@field required? boolean raise an error of kind "no_network" if there is none
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Looks up the network with that name or UUID.
---@param name_or_uuid string the network's name or UUID
---@param options? guestlua.NetworkOptions
---@return guestlua.Network? # Network, or nil if there is none
function Host:network(name_or_uuid, options) end

---@class guestlua.NetworkCreateXmlOptions
---@field validate? boolean check it against libvirt's schema first
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Starts a network that is gone when it stops (transient).
---
---libvirt: `virNetworkCreateXMLFlags`
---@param xml_desc guestlua.Element|string an Element or XML text
---@param options? guestlua.NetworkCreateXmlOptions
---@return guestlua.Network
function Host:network_create_xml(xml_desc, options) end

---@class guestlua.NetworkDefineXmlOptions
---@field validate? boolean check it against libvirt's schema first
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Defines a network, or redefines the one of the same UUID. It is not started.
---
---libvirt: `virNetworkDefineXMLFlags`
---@param xml guestlua.Element|string an Element or XML text
---@param options? guestlua.NetworkDefineXmlOptions
---@return guestlua.Network
function Host:network_define_xml(xml, options) end

---@class guestlua.NetworkLookupByNameOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Finds a network by its name.
---
---libvirt: `virNetworkLookupByName`
---@param name string its name
---@param options? guestlua.NetworkLookupByNameOptions
---@return guestlua.Network?
function Host:network_lookup_by_name(name, options) end

---@class guestlua.NetworkLookupByUuidStringOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Finds a network by its UUID.
---
---libvirt: `virNetworkLookupByUUIDString`
---@param uuidstr string its UUID
---@param options? guestlua.NetworkLookupByUuidStringOptions
---@return guestlua.Network?
function Host:network_lookup_by_uuid_string(uuidstr, options) end

---@class guestlua.NetworksOptions
---@field active? boolean true: only those that are active; false: only those that are inactive
---@field autostart? boolean true: only those that are autostart; false: only those that are no_autostart
---@field persistent? boolean true: only those that are persistent; false: only those that are transient
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the networks.
---
---libvirt: `virConnectListAllNetworks`
---@param options? guestlua.NetworksOptions
---@return guestlua.Network[]
function Host:networks(options) end

---@class guestlua.NodeDeviceOptions
---@field required? boolean raise an error of kind "no_node_device" if there is none
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Looks up the node device with that name.
---@param name string the node device's name
---@param options? guestlua.NodeDeviceOptions
---@return guestlua.NodeDevice? # NodeDevice, or nil if there is none
function Host:node_device(name, options) end

---@class guestlua.NodeDeviceCreateXmlOptions
---@field validate? boolean check it against libvirt's schema first
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Makes a virtual device of the host, that is gone when it stops.
---
---libvirt: `virNodeDeviceCreateXML`
---@param xml_desc guestlua.Element|string an Element or XML text
---@param options? guestlua.NodeDeviceCreateXmlOptions
---@return guestlua.NodeDevice
function Host:node_device_create_xml(xml_desc, options) end

---@class guestlua.NodeDeviceDefineXmlOptions
---@field validate? boolean check it against libvirt's schema first
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Defines a mediated device of the host. It is not started.
---
---libvirt: `virNodeDeviceDefineXML`
---@param xml_desc guestlua.Element|string an Element or XML text
---@param options? guestlua.NodeDeviceDefineXmlOptions
---@return guestlua.NodeDevice
function Host:node_device_define_xml(xml_desc, options) end

---@class guestlua.NodeDeviceLookupByNameOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Finds a device of the host by its name, as "pci_0000_00_02_0".
---
---libvirt: `virNodeDeviceLookupByName`
---@param name string its name
---@param options? guestlua.NodeDeviceLookupByNameOptions
---@return guestlua.NodeDevice?
function Host:node_device_lookup_by_name(name, options) end

---@class guestlua.NodeDeviceLookupScsiHostByWwnOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Finds a SCSI host by its world wide names.
---
---libvirt: `virNodeDeviceLookupSCSIHostByWWN`
---@param wwnn string the world wide node name
---@param wwpn string the world wide port name
---@param options? guestlua.NodeDeviceLookupScsiHostByWwnOptions
---@return guestlua.NodeDevice?
function Host:node_device_lookup_scsi_host_by_wwn(wwnn, wwpn, options) end

---@class guestlua.NodeDevicesOptions
---@field active? boolean true: only those that are active; false: only those that are inactive
---@field cap_ap_card? boolean devices of the kind ap card
---@field cap_ap_matrix? boolean devices of the kind ap matrix
---@field cap_ap_queue? boolean devices of the kind ap queue
---@field cap_ccw_dev? boolean devices of the kind ccw dev
---@field cap_css_dev? boolean devices of the kind css dev
---@field cap_drm? boolean devices of the kind drm
---@field cap_fc_host? boolean devices of the kind fc host
---@field cap_mdev? boolean devices of the kind mdev
---@field cap_mdev_types? boolean devices of the kind mdev types
---@field cap_net? boolean devices of the kind net
---@field cap_pci_dev? boolean devices of the kind pci dev
---@field cap_scsi? boolean devices of the kind scsi
---@field cap_scsi_generic? boolean devices of the kind scsi generic
---@field cap_scsi_host? boolean devices of the kind scsi host
---@field cap_scsi_target? boolean devices of the kind scsi target
---@field cap_storage? boolean devices of the kind storage
---@field cap_system? boolean devices of the kind system
---@field cap_usb_dev? boolean devices of the kind usb dev
---@field cap_usb_interface? boolean devices of the kind usb interface
---@field cap_vdpa? boolean devices of the kind vdpa
---@field cap_vpd? boolean devices of the kind vpd
---@field cap_vports? boolean devices of the kind vports
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the devices of the host.
---
---libvirt: `virConnectListAllNodeDevices`
---@param options? guestlua.NodeDevicesOptions
---@return guestlua.NodeDevice[]
function Host:node_devices(options) end

---@class guestlua.NwfilterOptions
---@field required? boolean raise an error of kind "no_nwfilter" if there is none
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Looks up the nwfilter with that name or UUID.
---@param name_or_uuid string the nwfilter's name or UUID
---@param options? guestlua.NwfilterOptions
---@return guestlua.NWFilter? # NWFilter, or nil if there is none
function Host:nwfilter(name_or_uuid, options) end

---@class guestlua.NwfilterBindingCreateXmlOptions
---@field validate? boolean check it against libvirt's schema first
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Puts a network filter in force on a port.
---
---libvirt: `virNWFilterBindingCreateXML`
---@param xml guestlua.Element|string an Element or XML text
---@param options? guestlua.NwfilterBindingCreateXmlOptions
---@return guestlua.NWFilterBinding
function Host:nwfilter_binding_create_xml(xml, options) end

---@class guestlua.NwfilterBindingLookupByPortDevOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Finds the filters that are in force on a port, as "vnet0".
---
---libvirt: `virNWFilterBindingLookupByPortDev`
---@param portdev string the port's device on the host, as "vnet0"
---@param options? guestlua.NwfilterBindingLookupByPortDevOptions
---@return guestlua.NWFilterBinding?
function Host:nwfilter_binding_lookup_by_port_dev(portdev, options) end

---@class guestlua.NwfilterBindingsOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists which network filters are in force on which ports.
---
---libvirt: `virConnectListAllNWFilterBindings`
---@param options? guestlua.NwfilterBindingsOptions
---@return guestlua.NWFilterBinding[]
function Host:nwfilter_bindings(options) end

---@class guestlua.NwfilterDefineXmlOptions
---@field validate? boolean check it against libvirt's schema first
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Defines a network filter, or redefines the one of the same name.
---
---libvirt: `virNWFilterDefineXMLFlags`
---@param xml_desc guestlua.Element|string an Element or XML text
---@param options? guestlua.NwfilterDefineXmlOptions
---@return guestlua.NWFilter
function Host:nwfilter_define_xml(xml_desc, options) end

---@class guestlua.NwfilterLookupByNameOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Finds a network filter by its name.
---
---libvirt: `virNWFilterLookupByName`
---@param name string its name
---@param options? guestlua.NwfilterLookupByNameOptions
---@return guestlua.NWFilter?
function Host:nwfilter_lookup_by_name(name, options) end

---@class guestlua.NwfilterLookupByUuidStringOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Finds a network filter by its UUID.
---
---libvirt: `virNWFilterLookupByUUIDString`
---@param uuidstr string its UUID
---@param options? guestlua.NwfilterLookupByUuidStringOptions
---@return guestlua.NWFilter?
function Host:nwfilter_lookup_by_uuid_string(uuidstr, options) end

---@class guestlua.NwfiltersOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the network filters.
---
---libvirt: `virConnectListAllNWFilters`
---@param options? guestlua.NwfiltersOptions
---@return guestlua.NWFilter[]
function Host:nwfilters(options) end

---@class guestlua.OnOptions
---@field match? function called with each such event: returns whether it counts; default: all do
---@field timeout? number seconds after which no more events are handled; default: no limit
---@field qemu_event? string of "qemu_monitor" only events that QEMU calls so, as "RESET"; default: all

---Calls fn(event) for each such event from now on, one after the other, in its own task. An error in fn is written to standard error, and the next event is still handled. The script still ends with its last line, and its handlers with it; guestlua.serve() keeps it running for them.
---@param names string|table an event's name, or a list of them
---@param fn function called with each event
---@param options? guestlua.OnOptions
---@return guestlua.Subscription # a Subscription: its close() ends it, and so does closing the connection
function Host:on(names, fn, options) end

---@class guestlua.PoolOptions
---@field required? boolean raise an error of kind "no_storage_pool" if there is none
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Looks up the pool with that name or UUID.
---@param name_or_uuid string the pool's name or UUID
---@param options? guestlua.PoolOptions
---@return guestlua.StoragePool? # StoragePool, or nil if there is none
function Host:pool(name_or_uuid, options) end

---@class guestlua.PoolCreateAsOptions
---@field type? string what it is; default: "dir"
---@field target? string where it is, or is mounted, on the host: the directory, as "/srv/images"
---@field source_host? string the server that has it
---@field source_path? string the directory there
---@field source_dev? string the device on which it is
---@field source_name? string the volume group, the Ceph pool or the like
---@field source_format? string its format, for example "nfs" or "lvm2"
---@field build? boolean make its directory or volume group first
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Starts a storage pool that is forgotten when it stops, without XML.
---@param name string its name
---@param options? guestlua.PoolCreateAsOptions
---@return guestlua.StoragePool
function Host:pool_create_as(name, options) end

---@class guestlua.PoolDefineAsOptions
---@field type? string what it is; default: "dir"
---@field target? string where it is, or is mounted, on the host: the directory, as "/srv/images"
---@field source_host? string the server that has it
---@field source_path? string the directory there
---@field source_dev? string the device on which it is
---@field source_name? string the volume group, the Ceph pool or the like
---@field source_format? string its format, for example "nfs" or "lvm2"
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Defines a storage pool, without XML. pool:build() makes its directory or volume group, pool:create() starts it.
---@param name string its name
---@param options? guestlua.PoolDefineAsOptions
---@return guestlua.StoragePool
function Host:pool_define_as(name, options) end

---@class guestlua.PoolsOptions
---@field active? boolean true: only those that are active; false: only those that are inactive
---@field autostart? boolean true: only those that are autostart; false: only those that are no_autostart
---@field dir? boolean pools of the type dir
---@field disk? boolean pools of the type disk
---@field fs? boolean pools of the type fs
---@field gluster? boolean pools of the type gluster
---@field iscsi? boolean pools of the type iscsi
---@field iscsi_direct? boolean pools of the type iscsi direct
---@field logical? boolean pools of the type logical
---@field mpath? boolean pools of the type mpath
---@field netfs? boolean pools of the type netfs
---@field persistent? boolean true: only those that are persistent; false: only those that are transient
---@field rbd? boolean pools of the type rbd
---@field scsi? boolean pools of the type scsi
---@field sheepdog? boolean pools of the type sheepdog
---@field vstorage? boolean pools of the type vstorage
---@field zfs? boolean pools of the type zfs
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the storage pools.
---
---libvirt: `virConnectListAllStoragePools`
---@param options? guestlua.PoolsOptions
---@return guestlua.StoragePool[]
function Host:pools(options) end

---@class guestlua.QemuAttachOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Takes over a QEMU that libvirt did not start.
---
---libvirt: `virDomainQemuAttach`
---@param pid_value integer the number of the process
---@param options? guestlua.QemuAttachOptions
---@return guestlua.Guest
function Host:qemu_attach(pid_value, options) end

---@class guestlua.ReconnectOptions
---@field gap? number the seconds without a connection, for the event "reconnected"
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Reopens a lost connection. Guests and subscriptions move to it, and each subscription gets an event "reconnected", because it missed what happened in between. guestlua.open(uri, {reconnect=true}) does this by itself.
---
---libvirt: `virConnectOpenAuth`
---@param options? guestlua.ReconnectOptions
function Host:reconnect(options) end

---@class guestlua.RestoreOptions
---@field bypass_cache? boolean past the host's cache
---@field paused? boolean it is paused when it goes on
---@field reset_nvram? boolean it goes on with fresh UEFI variables
---@field running? boolean it runs when it goes on
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Starts a guest from a file that Domain.save wrote. Where the wait is interrupted it goes on.
---
---libvirt: `virDomainRestoreFlags`
---@param from string the file on the host
---@param dxml? guestlua.Element|string the configuration to use instead
---@param options? guestlua.RestoreOptions
function Host:restore(from, dxml, options) end

---@class guestlua.RestoreParamsOptions
---@field bypass_cache? boolean past the host's cache
---@field paused? boolean it is paused when it goes on
---@field reset_nvram? boolean it goes on with fresh UEFI variables
---@field running? boolean it runs when it goes on
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Starts a guest from a file that Domain.save_params wrote.
---
---libvirt: `virDomainRestoreParams`
---@param params table a table from name to value
---@param options? guestlua.RestoreParamsOptions
function Host:restore_params(params, options) end

---@class guestlua.SaveImageDefineXmlOptions
---@field bypass_cache? boolean past the host's cache
---@field paused? boolean it is paused when it goes on
---@field reset_nvram? boolean it goes on with fresh UEFI variables
---@field running? boolean it runs when it goes on
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Changes the guest's configuration in a file that Domain.save wrote.
---
---libvirt: `virDomainSaveImageDefineXML`
---@param file string the file on the host
---@param dxml guestlua.Element|string the configuration to use instead
---@param options? guestlua.SaveImageDefineXmlOptions
function Host:save_image_define_xml(file, dxml, options) end

---@class guestlua.SaveImageGetXmlDescOptions
---@field secure? boolean with passwords in it
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The guest's configuration in a file that Domain.save wrote, as XML.
---
---libvirt: `virDomainSaveImageGetXMLDesc`
---@param file string the file on the host
---@param options? guestlua.SaveImageGetXmlDescOptions
---@return string
function Host:save_image_get_xml_desc(file, options) end

---@class guestlua.SecretOptions
---@field required? boolean raise an error of kind "no_secret" if there is none
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Looks up the secret with that UUID.
---@param uuid string the secret's UUID
---@param options? guestlua.SecretOptions
---@return guestlua.Secret? # Secret, or nil if there is none
function Host:secret(uuid, options) end

---@class guestlua.SecretDefineXmlOptions
---@field validate? boolean check it against libvirt's schema first
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Defines a secret. Its value is set with Secret.set_value.
---
---libvirt: `virSecretDefineXML`
---@param xml guestlua.Element|string an Element or XML text
---@param options? guestlua.SecretDefineXmlOptions
---@return guestlua.Secret
function Host:secret_define_xml(xml, options) end

---@class guestlua.SecretLookupByUsageOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Finds the secret that is for a volume, a pool, a TPM.
---
---libvirt: `virSecretLookupByUsage`
---@param usage_type string what kind of thing it is for
---@param usage_id string what it is for
---@param options? guestlua.SecretLookupByUsageOptions
---@return guestlua.Secret?
function Host:secret_lookup_by_usage(usage_type, usage_id, options) end

---@class guestlua.SecretLookupByUuidStringOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Finds a secret by its UUID.
---
---libvirt: `virSecretLookupByUUIDString`
---@param uuidstr string its UUID
---@param options? guestlua.SecretLookupByUuidStringOptions
---@return guestlua.Secret?
function Host:secret_lookup_by_uuid_string(uuidstr, options) end

---@class guestlua.SecretsOptions
---@field ephemeral? boolean true: only those that are ephemeral; false: only those that are no_ephemeral
---@field private? boolean true: only those that are private; false: only those that are no_private
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the secrets.
---
---libvirt: `virConnectListAllSecrets`
---@param options? guestlua.SecretsOptions
---@return guestlua.Secret[]
function Host:secrets(options) end

---@class guestlua.SetIdentityOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Says for whom the calls of this connection are made, to the daemon's access rules.
---
---libvirt: `virConnectSetIdentity`
---@param params table a table from name to value
---@param options? guestlua.SetIdentityOptions
function Host:set_identity(params, options) end

---@class guestlua.SetMemoryParametersOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets how the host merges equal pages of memory (KSM).
---
---libvirt: `virNodeSetMemoryParameters`
---@param params table a table from name to value
---@param options? guestlua.SetMemoryParametersOptions
function Host:set_memory_parameters(params, options) end

---@class guestlua.StatsOptions
---@field guests? string[] the names of the guests that are asked; nil: all
---@field groups? integer|string[] what is asked for, as {"cpu", "block"}; nil: all
---@field nowait? boolean leave out what a guest that is busy does not say at once
---@field backing? boolean of all images of a disk, and not only of the top one
---@field enforce_stats? boolean fail if something cannot be said
---@field active? boolean only those that run, or only those that do not
---@field persistent? boolean only those with a persistent configuration, or only those without
---@field running? boolean those that run
---@field paused? boolean those that are paused
---@field shutoff? boolean those that are off
---@field other? boolean those in another state
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The statistics of all guests, in one call, or of those that are named: host:stats().web.cpu.time. guestlua.rates makes rates of two of them.
---
---libvirt: `virConnectGetAllDomainStats`
---@param options? guestlua.StatsOptions
---@return table<string,table<string,any>> # by the name of a guest, its statistics by libvirt's names, a table for each dot in them: "block.0.rd.bytes" is block[0].rd.bytes, and numbers count from 0 as libvirt's do
function Host:stats(options) end

---@class guestlua.StoragePoolCreateXmlOptions
---@field with_build? boolean build it first
---@field with_build_no_overwrite? boolean build it first, if nothing is there
---@field with_build_overwrite? boolean build it first, over what is there
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Starts a storage pool that is gone when it stops (transient).
---
---libvirt: `virStoragePoolCreateXML`
---@param xml_desc guestlua.Element|string an Element or XML text
---@param options? guestlua.StoragePoolCreateXmlOptions
---@return guestlua.StoragePool
function Host:storage_pool_create_xml(xml_desc, options) end

---@class guestlua.StoragePoolDefineXmlOptions
---@field validate? boolean check it against libvirt's schema first
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Defines a storage pool, or redefines the one of the same UUID. It is not started.
---
---libvirt: `virStoragePoolDefineXML`
---@param xml guestlua.Element|string an Element or XML text
---@param options? guestlua.StoragePoolDefineXmlOptions
---@return guestlua.StoragePool
function Host:storage_pool_define_xml(xml, options) end

---@class guestlua.StoragePoolLookupByNameOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Finds a storage pool by its name.
---
---libvirt: `virStoragePoolLookupByName`
---@param name string its name
---@param options? guestlua.StoragePoolLookupByNameOptions
---@return guestlua.StoragePool?
function Host:storage_pool_lookup_by_name(name, options) end

---@class guestlua.StoragePoolLookupByTargetPathOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Finds the storage pool with its volumes at that path.
---
---libvirt: `virStoragePoolLookupByTargetPath`
---@param path string its path
---@param options? guestlua.StoragePoolLookupByTargetPathOptions
---@return guestlua.StoragePool?
function Host:storage_pool_lookup_by_target_path(path, options) end

---@class guestlua.StoragePoolLookupByUuidStringOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Finds a storage pool by its UUID.
---
---libvirt: `virStoragePoolLookupByUUIDString`
---@param uuidstr string its UUID
---@param options? guestlua.StoragePoolLookupByUuidStringOptions
---@return guestlua.StoragePool?
function Host:storage_pool_lookup_by_uuid_string(uuidstr, options) end

---@class guestlua.StorageVolLookupByKeyOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Finds a volume by its key.
---
---libvirt: `virStorageVolLookupByKey`
---@param key string its key
---@param options? guestlua.StorageVolLookupByKeyOptions
---@return guestlua.StorageVol?
function Host:storage_vol_lookup_by_key(key, options) end

---@class guestlua.StorageVolLookupByPathOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Finds a volume by its path.
---
---libvirt: `virStorageVolLookupByPath`
---@param path string its path
---@param options? guestlua.StorageVolLookupByPathOptions
---@return guestlua.StorageVol?
function Host:storage_vol_lookup_by_path(path, options) end

---@class guestlua.SubscribeOptions
---@field qemu_event? string of "qemu_monitor" only events that QEMU calls so, as "RESET"; default: all
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Subscribes to events of one or more kinds. Subscribe before the call that causes an event, or it may be missed.
---
---libvirt: `virConnectDomainEventRegisterAny`
---@param events integer|string[] an event's name, or a list of them
---@param options? guestlua.SubscribeOptions
---@return guestlua.Subscription # a Subscription: each call of its next(timeout) returns the next event
function Host:subscribe(events, options) end

---@class guestlua.SuspendForDurationOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Suspends the host itself, for so many seconds.
---
---libvirt: `virNodeSuspendForDuration`
---@param target string what kind of sleep
---@param duration integer seconds; 0: until it is woken
---@param options? guestlua.SuspendForDurationOptions
function Host:suspend_for_duration(target, duration, options) end

---@class guestlua.VolumeOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Looks up the volume with that path, in any pool; or with that key.
---@param path_or_key string the volume's path, or its key
---@param options? guestlua.VolumeOptions
---@return guestlua.StorageVol? # StorageVol, or nil if there is none
function Host:volume(path_or_key, options) end

---@class guestlua.WaitEventOptions
---@field match? function called with each such event: returns whether it counts; default: all do
---@field timeout? number seconds to wait at most; default: no limit
---@field qemu_event? string of "qemu_monitor" only events that QEMU calls so, as "RESET"; default: all

---Waits for an event of one of the names. If a call causes the event, subscribe before the call and wait on the Subscription instead: an earlier event is missed.
---@param names string|table an event's name, or a list of them
---@param options? guestlua.WaitEventOptions
---@return table # the event; an error of kind "timeout" if none came in time
function Host:wait_event(names, options) end

---@class guestlua.WriteInstanceConfigOptions
---@field validate? boolean let libvirt check it against its schema, and silently drop nothing unknown (not in the reference)
---@field drop_secrets? boolean drop the guest's secrets that the configuration lacks (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Defines a guest, or redefines the one with the same UUID. It is not started. A configuration that was read without the guest's secrets (passwords of graphics, cookies of disks) is refused, because they would be lost. With the option validate it is virDomainDefineXMLFlags.
---
---libvirt: `virDomainDefineXML`
---@param xml guestlua.Element|string the guest's configuration, a <domain> element
---@param options? guestlua.WriteInstanceConfigOptions
---@return guestlua.Guest
function Host:write_instance_config(xml, options) end

---A virtual machine: libvirt's domain. host:guest, host:guests and Guest.create make one.
---@class guestlua.Guest: guestlua.Domain
---@field domain guestlua.Domain The same guest under libvirt's own names, all of them: guest.domain:create() is guest:launch(). Those names that a Guest has not itself it takes from here, so that guest:reboot() is guest.domain:reboot().
---@field host guestlua.Host The connection that the guest was found on.
---@field id integer The ID of the running guest, -1 if it was not running when it was looked up.
---@field name string The guest's name.
---@field uuid string The guest's UUID, 36 characters. Still readable when the guest itself is gone.
local Guest = {}

---@class guestlua.AbortJobOptions
---@field postcopy? boolean a migration that is in its post-copy phase: it is interrupted, and can be resumed with the flag postcopy_resume (libvirt 8.5; not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Ends the guest's job; the call that started it, as migrate, then fails. With an option it is virDomainAbortJobFlags.
---
---libvirt: `virDomainAbortJob`
---@param options? guestlua.AbortJobOptions
function Guest:abort_job(options) end

---@class guestlua.AgentCommandOptions
---@field agent_timeout? integer seconds that libvirt waits for the answer; 0: do not wait; default: 5
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sends a command to the QEMU guest agent. To run programs in the guest, use guest:exec.
---
---libvirt: `virDomainQemuAgentCommand`
---@param command string the command, JSON: {"execute": …}
---@param options? guestlua.AgentCommandOptions
---@return string # string: the answer, JSON
function Guest:agent_command(command, options) end

---@class guestlua.AgentSetResponseTimeoutOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets how long libvirt waits for the guest agent's answer to any command except agent_command. The setting is per guest and shared by all clients: guest:frozen{timeout=…} sets it and restores it.
---
---libvirt: `virDomainAgentSetResponseTimeout`
---@param seconds? integer seconds; 0: do not wait; nil: no limit (libvirt's default)
---@param options? guestlua.AgentSetResponseTimeoutOptions
function Guest:agent_set_response_timeout(seconds, options) end

---@class guestlua.AnnounceSelfOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Makes QEMU announce the guest's interfaces to the network again.
---
---libvirt: `virDomainQemuMonitorCommand`
---@param options? guestlua.AnnounceSelfOptions
function Guest:announce_self(options) end

---@class guestlua.AttachDeviceOptions
---@field persistent? boolean change the persistent configuration
---@field live? boolean change the running guest
---@field validate? boolean check it against libvirt's schema first: libvirt silently drops what it does not know (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Gives the guest a device. With neither option its current state changes: the running guest, or the configuration of one that does not.
---
---libvirt: `virDomainAttachDeviceFlags`
---@param conf guestlua.Element|string the device
---@param options? guestlua.AttachDeviceOptions
function Guest:attach_device(conf, options) end

---@class guestlua.AttachedOptions
---@field persistent? boolean attach it to the persistent configuration
---@field live? boolean in the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Attaches a device for a scope: local attached <close> = guest:attached(device, {live=true}). However the scope ends, the device is detached, and the end of that is awaited; attached:keep() leaves it with the guest.
---@param conf any the device: an Element or XML text
---@param options? guestlua.AttachedOptions
---@return guestlua.Guard
function Guest:attached(conf, options) end

---@class guestlua.BackupBeginOptions
---@field reuse_ext? boolean the files of the backup, or of its scratch space, exist already
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Starts a backup job of the running guest, at this moment for all its disks. In push mode QEMU writes the files, and the job ends by itself; in pull mode they are read over NBD, and abort_job ends it. The end is the event job_completed. A backup that fails leaves its checkpoint: see workflow.backup, which does not. Not in the reference.
---
---libvirt: `virDomainBackupBegin`
---@param conf guestlua.Element|string a <domainbackup> element: pull or push, and of each disk whether and since which checkpoint
---@param checkpoint? guestlua.Element|string a <domaincheckpoint> element: the checkpoint that is made at the same moment; nil: none
---@param options? guestlua.BackupBeginOptions
function Guest:backup_begin(conf, checkpoint, options) end

---@class guestlua.ChannelOptions
---@field force? boolean take it from whoever has it open
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Opens a channel to a program in the running guest, which is a port in /dev/virtio-ports there. It has one user at a time: close it.
---
---libvirt: `virDomainOpenChannel`
---@param device? string the channel's target name or its alias; nil: the first channel
---@param options? guestlua.ChannelOptions
---@return guestlua.Stream
function Guest:channel(device, options) end

---@class guestlua.CheckpointCreateAsOptions
---@field description? string what it is for
---@field disks? string[] a list of targets: only these disks; default: all that can be written to
---@field quiesce? boolean freeze the file systems meanwhile; needs the agent
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Makes a checkpoint of that name, without XML: from now on it is known what changes on the disks.
---@param name string its name
---@param options? guestlua.CheckpointCreateAsOptions
---@return guestlua.Checkpoint
function Guest:checkpoint_create_as(name, options) end

---Releases this object before the garbage collector does; the guest itself is not touched. Closing twice is harmless.
function Guest:close() end

---@class guestlua.ConsoleOptions
---@field device? string the alias of a serial, parallel or console device; default: the first console, or serial device
---@field force? boolean take it from whoever has it open
---@field safe? boolean only if the driver makes sure that nobody else has it open
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Opens a console of the running guest. From then on what the guest prints is kept for the Stream's reader. A console has one user at a time: close it. guestlua console is the same at the terminal.
---
---libvirt: `virDomainOpenConsole`
---@param options? guestlua.ConsoleOptions
---@return guestlua.Stream
function Guest:console(options) end

---@class guestlua.CreateOptions
---@field validate? boolean check it against libvirt's schema first: element:validate()
---@field drop_secrets? boolean as in Host:write_instance_config
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Guest.create(xml, host): defines a guest, ready to be launched. A function of the class, called with a dot.
---@param xml any the configuration: an Element or XML text
---@param host guestlua.Host the Host to define it on
---@param options? guestlua.CreateOptions
---@return guestlua.Guest
function Guest.create(xml, host, options) end

---@class guestlua.CreateCheckpointOptions
---@field redefine? boolean nothing is made: libvirt learns of one that exists
---@field quiesce? boolean freeze the file systems meanwhile; needs the guest agent
---@field redefine_validate? boolean with redefine: look whether the images have its bitmaps; the guest must run
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Makes a checkpoint: from now on QEMU notes in the disks' images what changes. Not in the reference.
---
---libvirt: `virDomainCheckpointCreateXML`
---@param conf guestlua.Element|string a <domaincheckpoint> element
---@param options? guestlua.CreateCheckpointOptions
function Guest:create_checkpoint(conf, options) end

---@class guestlua.DeleteCheckpointOptions
---@field children? boolean and all that came after it
---@field metadata_only? boolean libvirt forgets it, and the images keep their bitmaps
---@field children_only? boolean only what came after it
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Deletes a checkpoint; what its bitmaps know goes to the one before it. Not in the reference.
---
---libvirt: `virDomainCheckpointDelete`
---@param name string the checkpoint's name
---@param options? guestlua.DeleteCheckpointOptions
function Guest:delete_checkpoint(name, options) end

---@class guestlua.DeleteConfigurationOptions
---@field support_uefi? boolean delete the UEFI variables (NVRAM) too; without it libvirt refuses to undefine a UEFI guest
---@field keep_vtpm? boolean keep the state of the virtual TPM (libvirt 8.9); implies support_uefi
---@field keep_nvram? boolean keep the UEFI variables
---@field nvram? boolean delete the UEFI variables (NVRAM), as support_uefi does (not in the reference)
---@field tpm? boolean delete the state of the virtual TPM (libvirt 8.9; not in the reference)
---@field snapshots_metadata? boolean drop libvirt's record of its snapshots too; libvirt refuses to undefine an inactive guest with any without it (not in the reference)
---@field checkpoints_metadata? boolean drop libvirt's record of its checkpoints (left by backups) too; libvirt refuses without it, as above (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Undefines the guest and removes its managed save image. A running guest keeps running, and is gone when it stops. If libvirt refuses the flags, the plain virDomainUndefine is tried.
---
---libvirt: `virDomainUndefineFlags`
---@param options? guestlua.DeleteConfigurationOptions
function Guest:delete_configuration(options) end

---@class guestlua.DetachDeviceOptions
---@field persistent? boolean change the persistent configuration
---@field live? boolean change the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Takes a device from the guest. A running guest is asked to release it: the device may still be there when the call is over, and stays if the guest does not answer; detach_device_with_retry sees to that. If there is none the error's kind is "device_not_found".
---
---libvirt: `virDomainDetachDeviceFlags`
---@param conf guestlua.Element|string the device; of a QEMU guest a disk has to have its <target dev>
---@param options? guestlua.DetachDeviceOptions
function Guest:detach_device(conf, options) end

---@class guestlua.DetachDeviceWithRetryOptions
---@field max_retry_count? integer how often to ask again; default: 7, -1: no limit
---@field inc_sleep_time? number seconds by which each pause is longer than the one before; default: 2
---@field max_sleep_time? number seconds of the longest pause; default: 30

---Asks the guest to release a device, and returns a function that waits for that and asks again with growing pauses. The function raises an error of kind "device_detach_failed" if the guest did not release it, and "device_not_found" if libvirt says that there is no such device; its counter continues when it is called again.
---@param get_device_conf_func function called with `device`: the device's present configuration, nil if it is gone
---@param device any what get_device_conf_func knows the device by
---@param persistent boolean take it out of the persistent configuration too
---@param live boolean take it from the running guest
---@param options? guestlua.DetachDeviceWithRetryOptions
---@return fun() # a function without arguments, which waits
function Guest:detach_device_with_retry(get_device_conf_func, device, persistent, live, options) end

---@class guestlua.DisksResult
---@field name string its device in the guest
---@field partition boolean whether it is a partition
---@field dependency table[]? the devices that it is made of: name
---@field alias string? the alias of the device in the guest's configuration
---@field guest_alias string? the guest's other name for it
---@field guest_bus string? its bus in the guest
---@field serial string? its serial number
---@field device string? its device node, for example on S390

---@class guestlua.DisksOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The disks and partitions as the guest sees them. By virDomainGetGuestInfo; the guest can make up its answers.
---@param options? guestlua.DisksOptions
---@return guestlua.DisksResult[]
function Guest:disks(options) end

---Lets the bridge ports of the guest's interfaces send received frames back out of the same port. Writes to /sys of this machine, so the guest has to run here, and it needs root. An interface without a bridge is left alone.
function Guest:enable_hairpin() end

---For a loop: for event in object:events({name, another}, {timeout=60}) do. Receives the named events from this call on, until the loop is left or the time is over. Events dropped because nobody fetched them are reported as an event "lost" with their count. Names and options may stand in one table: object:events{name, another, timeout=60}.
---@param names string|table an event's name, or a list of them
---@param options? guestlua.EventsOptions
---@return fun(): table
function Guest:events(names, options) end

---@class guestlua.ExecOptions
---@field args? string[] a list of its arguments
---@field input? string its standard input
---@field cwd? string its working directory; default: the agent's
---@field env? table environment variables by name, in addition to the agent's
---@field max_output? integer the maximum number of bytes of each output; default 16 MiB
---@field secret? string|string[] a string, or some, in args that must not be shown: they are masked in all that guestlua prints from now on; input always is
---@field timeout? number seconds; after that the program and all that it started are killed, and an error of kind "timeout" is raised

---Runs a program in the guest through the guest agent, and waits for its end. Its output goes to files in the guest's /tmp and is read in pieces, because libvirt drops an agent with an answer over 10 MB; without /bin/sh it comes in one answer. Kinds of errors: no_program, no_directory, timeout.
---@param path string the program; with no path the guest's PATH is searched
---@param options? guestlua.ExecOptions
---@return integer code
---@return string output
---@return string errors
---@return table how
function Guest:exec(path, options) end

---@class guestlua.FilesystemsResult
---@field mountpoint string its mount point
---@field name string its device in the guest
---@field fstype string for example "ext4"
---@field total_bytes integer? its size
---@field used_bytes integer? its used size
---@field disk table[] the disks that it is on: alias, serial, device

---@class guestlua.FilesystemsOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The file systems that are mounted in the guest. By virDomainGetGuestInfo; the guest can make up its answers.
---@param options? guestlua.FilesystemsOptions
---@return guestlua.FilesystemsResult[]
function Guest:filesystems(options) end

---@class guestlua.FreezeFilesystemsOptions
---@field mountpoints? string[] only these file systems (not in the reference); default: all
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Freezes the guest's file systems: its writes wait until thaw_filesystems().
---
---libvirt: `virDomainFSFreeze`
---@param options? guestlua.FreezeFilesystemsOptions
function Guest:freeze_filesystems(options) end

---@class guestlua.FrozenOptions
---@field timeout? number seconds that the freeze may take; then the guest is thawed, and an error of kind "timeout" is raised

---Freezes the guest's file systems for a scope: local frozen <close> = guest:frozen(). They are thawed however the scope ends, even if the freeze itself fails half-way, and if this process dies. frozen:close() thaws earlier, frozen:keep() leaves them frozen. If the agent does not answer, it raises before anything is frozen.
---@param options? guestlua.FrozenOptions
---@return guestlua.Guard
function Guest:frozen(options) end

---@class guestlua.GetAllDevicesOptions
---@field from_persistent_config? boolean read the persistent configuration, not the running guest's
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The guest's devices, all of them or of one kind, in the order of the configuration.
---
---libvirt: `virDomainGetXMLDesc`
---@param devtype? string an element's name, as in "disk", or a class of the reference, as in "LibvirtConfigGuestDisk"
---@param options? guestlua.GetAllDevicesOptions
---@return guestlua.Element[]
function Guest:get_all_devices(devtype, options) end

---@class guestlua.GetAllDisksOptions
---@field from_persistent_config? boolean read the persistent configuration, not the running guest's
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The guest's disks: get_all_devices("disk").
---
---libvirt: `virDomainGetXMLDesc`
---@param options? guestlua.GetAllDisksOptions
---@return guestlua.Element[]
function Guest:get_all_disks(options) end

---@class guestlua.GetBackupXmlOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The backup job that the guest has now. Not in the reference.
---
---libvirt: `virDomainBackupGetXMLDesc`
---@param options? guestlua.GetBackupXmlOptions
---@return string? # string, or nil if it has none
function Guest:get_backup_xml(options) end

---One disk of the guest. It does not check that the guest has such a disk: the first call on it does.
---@param disk string the disk's target, as in "vda", or the path of its source
---@return guestlua.BlockDevice
function Guest:get_block_device(disk) end

---@class guestlua.GetCheckpointNamesOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The names of the checkpoints that libvirt remembers of the guest, each after the one that it came after. Not in the reference.
---
---libvirt: `virDomainListAllCheckpoints`
---@param options? guestlua.GetCheckpointNamesOptions
---@return string[]
function Guest:get_checkpoint_names(options) end

---@class guestlua.GetCheckpointXmlOptions
---@field no_domain? boolean without the guest's configuration of then
---@field size? boolean with how much each disk has changed since; the guest must run
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---A checkpoint as XML. Not in the reference.
---
---libvirt: `virDomainCheckpointGetXMLDesc`
---@param name string the checkpoint's name
---@param options? guestlua.GetCheckpointXmlOptions
---@return string
function Guest:get_checkpoint_xml(name, options) end

---@class guestlua.GetConfigOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The guest's whole configuration.
---
---libvirt: `virDomainGetXMLDesc`
---@param options? guestlua.GetConfigOptions
---@return guestlua.Element
function Guest:get_config(options) end

---@class guestlua.GetDeviceByAliasOptions
---@field devtype? string search only this kind of devices, as in get_all_devices
---@field from_persistent_config? boolean read the persistent configuration, not the running guest's
---@field required? boolean raise an error of kind "device_not_found" if there is none, so that no nil goes on into the script
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The device with that alias.
---
---libvirt: `virDomainGetXMLDesc`
---@param devalias string the device's alias, as in "ua-mydisk"
---@param options? guestlua.GetDeviceByAliasOptions
---@return guestlua.Element? # Element, or nil if there is none
function Guest:get_device_by_alias(devalias, options) end

---@class guestlua.GetDiskOptions
---@field from_persistent_config? boolean read the persistent configuration, not the running guest's
---@field required? boolean raise an error of kind "device_not_found" if there is none, so that no nil goes on into the script
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The element of the disk with `device` as its target or, if there is none, as its source file.
---
---libvirt: `virDomainGetXMLDesc`
---@param device string the disk's target, as in "vda", or the file of its source
---@param options? guestlua.GetDiskOptions
---@return guestlua.Element? # Element, or nil if there is none
function Guest:get_disk(device, options) end

---@class guestlua.GetDiskErrorsOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The disks of the running guest with an error that stopped it. Not in the reference.
---
---libvirt: `virDomainGetDiskErrors`
---@param options? guestlua.GetDiskErrorsOptions
---@return table<string,string> # "unspec" or "no_space" by the disk's target; empty if no disk has an error
function Guest:get_disk_errors(options) end

---@class guestlua.GetGuestInfoOptions
---@field users? boolean the users logged in
---@field os? boolean its operating system
---@field timezone? boolean its time zone
---@field hostname? boolean its host name
---@field filesystems? boolean its mounted file systems
---@field disks? boolean its disks, as it sees them
---@field interfaces? boolean its network interfaces and their addresses
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The guest agent's information about the system inside, under libvirt's own names, as in ["os.name"] and ["fs.0.mountpoint"]; without an option, all of it. guest:os_info(), users(), filesystems(), disks() and interfaces() give it as tables. A guest can make up anything it reports about itself.
---
---libvirt: `virDomainGetGuestInfo`
---@param options? guestlua.GetGuestInfoOptions
---@return table<string,any> # values by name
function Guest:get_guest_info(options) end

---@class guestlua.GuestGetInfoResult
---@field state integer a value of guestlua.power_state
---@field domain_state string libvirt's word for its state: "running", "shutoff" …
---@field id integer libvirt's number of the running guest; -1: it is off
---@field internal_id integer the same, by the reference's name
---@field max_mem_kb integer KiB of memory that it may have
---@field mem_kb integer KiB of memory that it has
---@field num_cpu integer its processors
---@field cpu_time_ns integer nanoseconds of processor time that it has used

---The guest's power state and size. `state` is a value of guestlua.power_state; `domain_state` is libvirt's own word for it.
---
---libvirt: `virDomainGetInfo`
---@param host? any accepted for compatibility with the reference; the guest knows its host
---@param options? guestlua.GetInfoOptions
---@return guestlua.GuestGetInfoResult
function Guest:get_info(host, options) end

---@class guestlua.GetInterfaceByCfgOptions
---@field from_persistent_config? boolean search the persistent configuration, not the running guest
---@field required? boolean raise an error of kind "device_not_found" if there is none

---The guest's network interface, or PCI device, that matches cfg, however libvirt shows it: an interface by its alias, address, MAC address, source and, if cfg has one, target; a PCI device by its address on the host. If several match, an error of kind "device_ambiguous" names them.
---@param cfg? any the device to look for: an Element or XML text
---@param options? guestlua.GetInterfaceByCfgOptions
---@return guestlua.Element? # Element, or nil if there is none or cfg is nil
function Guest:get_interface_by_cfg(cfg, options) end

---@class guestlua.GetInterfaceByMacOptions
---@field required? boolean raise an error of kind "device_not_found" if there is none, so that no nil goes on into the script
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The network interface of that MAC address; an error of kind "device_ambiguous" names them if there are several. Without an address libvirt is not asked.
---
---libvirt: `virDomainGetXMLDesc`
---@param mac? string the MAC address, in upper or lower case
---@param options? guestlua.GetInterfaceByMacOptions
---@return guestlua.Element? # Element, or nil if there is none
function Guest:get_interface_by_mac(mac, options) end

---@class guestlua.GetInterfacesOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The names of the guest's network interfaces on the host.
---
---libvirt: `virDomainGetXMLDesc`
---@param options? guestlua.GetInterfacesOptions
---@return string[] # a list of strings, as in "vnet0"; an interface without a name is left out
function Guest:get_interfaces(options) end

---@class guestlua.GetJobInfoResult
---@field job_type string libvirt's word: "none", "bounded", "unbounded", "completed", "failed" or "cancelled"
---@field type integer its number, as the reference has it
---@field operation string? what the job is for: "migration_out", "save", "backup" …; nil: libvirt does not say
---@field time_elapsed integer ms since it began
---@field time_remaining integer ms that are left, if that is known
---@field downtime integer ms that the guest stands still for it
---@field setup_time integer ms that it took to begin
---@field data_total integer bytes in all
---@field data_processed integer of these, done
---@field data_remaining integer of these, left
---@field memory_total integer bytes of memory
---@field memory_processed integer of these, done
---@field memory_remaining integer of these, left
---@field disk_total integer bytes of disks
---@field disk_processed integer of these, done
---@field disk_remaining integer of these, left
---@field memory_iteration integer how often it has gone over the memory
---@field memory_constant integer pages that were all of one byte
---@field memory_normal integer pages that were sent whole
---@field memory_normal_bytes integer the same in bytes
---@field memory_bps integer bytes of memory per second
---@field disk_bps integer bytes of disks per second
---@field comp_cache integer bytes of the cache for compression
---@field comp_bytes integer bytes that were sent compressed
---@field comp_pages integer pages that were sent compressed
---@field comp_cache_misses integer pages that the cache did not have
---@field comp_overflow integer pages that compression would have made longer

---@class guestlua.GetJobInfoOptions
---@field completed? boolean the statistics of the last finished job, once (not in the reference)
---@field keep_completed? boolean with completed: they can be read again (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Progress of the guest's job, for example a migration. For a disk's job see disk:get_job_info(). If the guest is gone or off, the job is reported as completed.
---
---libvirt: `virDomainGetJobStats`
---@param options? guestlua.GetJobInfoOptions
---@return guestlua.GetJobInfoResult
function Guest:get_job_info(options) end

---@class guestlua.GetMetadataOptions
---@field uri? string its namespace; default: http://openstack.org/xmlns/libvirt/nova/1.1
---@field persistent? boolean from the persistent configuration
---@field live? boolean from the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The element kept by set_metadata. Not in the reference.
---
---libvirt: `virDomainGetMetadata`
---@param options? guestlua.GetMetadataOptions
---@return guestlua.Element? # Element, or nil if there is none
function Guest:get_metadata(options) end

---@class guestlua.GetPowerStateOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The `state` of get_info().
---
---libvirt: `virDomainGetInfo`
---@param host? any accepted for compatibility with the reference; the guest knows its host
---@param options? guestlua.GetPowerStateOptions
---@return integer # integer: a value of guestlua.power_state
function Guest:get_power_state(host, options) end

---@class guestlua.GetSnapshotDescriptionsOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The XML of each snapshot and each checkpoint that libvirt remembers of the guest: the images that they name are needed. Not in the reference.
---
---libvirt: `virDomainSnapshotGetXMLDesc`
---@param options? guestlua.GetSnapshotDescriptionsOptions
---@return string[]
function Guest:get_snapshot_descriptions(options) end

---@class guestlua.GetSnapshotNamesOptions
---@field roots? boolean only those that have no parent
---@field leaves? boolean only those that no other comes of, or only the others
---@field metadata? boolean only those that would keep the guest from being undefined, or only the others
---@field inactive? boolean those of the guest while it was off; with others of these three, of any
---@field active? boolean those of the guest while it ran, with its memory
---@field disk_only? boolean those of the guest while it ran, without its memory
---@field internal? boolean only those in the disks' own images, or only those that have files of their own
---@field topological? boolean parents before what comes of them
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The names of the guest's snapshots in libvirt. Not in the reference.
---
---libvirt: `virDomainListAllSnapshots`
---@param options? guestlua.GetSnapshotNamesOptions
---@return string[]
function Guest:get_snapshot_names(options) end

---@class guestlua.GetStateOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---libvirt's own words for the guest's state and for the reason: "paused" and "ioerror", "shutoff" and "crashed". A value newer than guestlua is a number.
---
---libvirt: `virDomainGetState`
---@param options? guestlua.GetStateOptions
---@return string state
---@return string reason
function Guest:get_state(options) end

---@class guestlua.GetVcpusResult
---@field id integer its number
---@field cpu integer the host's processor that it runs on; -1: none
---@field vcpu_state string "offline", "running" or "blocked"
---@field state integer its number, as the reference has it
---@field time integer nanoseconds that it has used

---@class guestlua.GetVcpusOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The running guest's processors, as a list; get_vcpus_info iterates over it.
---
---libvirt: `virDomainGetVcpus`
---@param options? guestlua.GetVcpusOptions
---@return guestlua.GetVcpusResult[]
function Guest:get_vcpus(options) end

---Iterates over the running guest's processors: `for vcpu in guest:get_vcpus_info() do`. libvirt is called at the first iteration.
---@return fun(): table
function Guest:get_vcpus_info() end

---@class guestlua.GetXmlDescOptions
---@field dump_inactive? boolean the configuration of the next start, not the present one
---@field dump_sensitive? boolean include passwords
---@field dump_migratable? boolean in a form for the destination of a migration
---@field update_cpu? boolean with the CPU requirements updated to match the host's CPU (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The guest's configuration.
---
---libvirt: `virDomainGetXMLDesc`
---@param options? guestlua.GetXmlDescOptions
---@return string # string: XML
function Guest:get_xml_desc(options) end

---@class guestlua.HasPersistentConfigurationOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Whether the host keeps the guest's configuration after the guest stops.
---
---libvirt: `virDomainIsPersistent`
---@param options? guestlua.HasPersistentConfigurationOptions
---@return boolean
function Guest:has_persistent_configuration(options) end

---@class guestlua.InjectNmiOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sends the guest a non-maskable interrupt, which makes many systems write a crash dump.
---
---libvirt: `virDomainInjectNMI`
---@param options? guestlua.InjectNmiOptions
function Guest:inject_nmi(options) end

---@class guestlua.InterfacesResult
---@field name string for example "eth0"
---@field hwaddr string? the MAC address
---@field addr table[]? the addresses: type ("ipv4" or "ipv6"), addr, prefix

---@class guestlua.GuestInterfacesOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The network interfaces in the guest, with their addresses. By virDomainGetGuestInfo; the guest can make up its answers.
---@param options? guestlua.GuestInterfacesOptions
---@return guestlua.InterfacesResult[]
function Guest:interfaces(options) end

---@class guestlua.IsActiveOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Whether the guest is active: running or paused.
---
---libvirt: `virDomainIsActive`
---@param options? guestlua.IsActiveOptions
---@return boolean
function Guest:is_active(options) end

---@class guestlua.LaunchOptions
---@field pause? boolean leave its CPUs paused: guest:resume() lets it run
---@field autodestroy? boolean destroy it when this connection closes (not in the reference)
---@field bypass_cache? boolean read a managed save image past the host's file cache (not in the reference)
---@field force_boot? boolean discard a managed save image, and boot (not in the reference)
---@field validate? boolean check the configuration against libvirt's schema, for drivers that generate a new one (not in the reference)
---@field reset_nvram? boolean reset the UEFI variables (libvirt 8.1; not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Starts the guest.
---
---libvirt: `virDomainCreateWithFlags`
---@param options? guestlua.LaunchOptions
---@return integer
function Guest:launch(options) end

---@class guestlua.MigrateOptions
---@field migrate_uri? string the address for the data, as in "tcp://192.0.2.1"
---@field migrate_disks? string[] the targets of the disks to copy; without any, the flag non_shared_inc is removed, because libvirt would copy all disks
---@field destination_xml? guestlua.Element|string the guest's configuration on the destination
---@field flags? integer|string[] libvirt's flags, an integer or a list of names; QEMU needs "peer2peer"
---@field bandwidth? integer MiB/s at most; 0: no limit
---@field parallel? integer the number of connections; more than 1 needs the flag parallel
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Moves the guest to another host, and returns when it is there. get_job_info reports progress, abort_job ends it. If the wait is interrupted (Ctrl-C) or cancelled, the migration is aborted.
---
---libvirt: `virDomainMigrateToURI3`
---@param destination string the other host's libvirt, as in "qemu+tcp://other/system"
---@param options? guestlua.MigrateOptions
function Guest:migrate(destination, options) end

---@class guestlua.MigrateConfigureMaxDowntimeOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets how long the guest may be paused at the end of its live migration.
---
---libvirt: `virDomainMigrateSetMaxDowntime`
---@param mstime integer the longest pause of the guest at the end of a live migration, in ms
---@param options? guestlua.MigrateConfigureMaxDowntimeOptions
function Guest:migrate_configure_max_downtime(mstime, options) end

---@class guestlua.MigrateStartPostcopyOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Switches a migration started with the flag postcopy to the phase in which the guest already runs on the destination: it is sure to end, and cannot be aborted.
---
---libvirt: `virDomainMigrateStartPostCopy`
---@param options? guestlua.MigrateStartPostcopyOptions
function Guest:migrate_start_postcopy(options) end

---@class guestlua.MigrateToOptions
---@field migrate_uri? string the address for the data, as in "tcp://192.0.2.1"
---@field migrate_disks? string[] the targets of the disks to copy; without any, the flag non_shared_inc is removed, because libvirt would copy all disks
---@field destination_xml? guestlua.Element|string the guest's configuration on the destination
---@field flags? integer|string[] libvirt's flags, an integer or a list of names; not "peer2peer", as both hosts are asked from here
---@field bandwidth? integer MiB/s at most; 0: no limit
---@field parallel? integer the number of connections; more than 1 needs the flag parallel
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Moves the guest to another host that is open here: the hosts need no access to each other's libvirt, only to each other for the data. As in migrate, the wait can be interrupted, which aborts it.
---
---libvirt: `virDomainMigrate3`
---@param host guestlua.Host the other host
---@param options? guestlua.MigrateToOptions
---@return guestlua.Guest # the guest on the other host
function Guest:migrate_to(host, options) end

---Calls fn(event) for each such event from now on, one after the other, in its own task. An error in fn is written to standard error, and the next event is still handled. The script still ends with its last line, and its handlers with it; guestlua.serve() keeps it running for them.
---@param names string|table an event's name, or a list of them
---@param fn function called with each event
---@param options? guestlua.OnOptions
---@return guestlua.Subscription # a Subscription: its close() ends it, and so does closing the connection
function Guest:on(names, fn, options) end

---@class guestlua.OsInfoResult
---@field id string? by the agent's name
---@field name string? by the agent's name
---@field pretty_name string? by the agent's name
---@field version string? by the agent's name
---@field version_id string? by the agent's name
---@field kernel_release string? by the agent's name
---@field kernel_version string? by the agent's name
---@field machine string? by the agent's name
---@field variant string? by the agent's name
---@field variant_id string? by the agent's name

---@class guestlua.OsInfoOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The operating system in the guest, according to its agent. Unknown fields are nil. By virDomainGetGuestInfo; the guest can make up its answers.
---@param options? guestlua.OsInfoOptions
---@return guestlua.OsInfoResult
function Guest:os_info(options) end

---@class guestlua.PauseOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Pauses the guest's CPUs; its memory stays.
---
---libvirt: `virDomainSuspend`
---@param options? guestlua.PauseOptions
function Guest:pause(options) end

---@class guestlua.PausedOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Pauses the guest for a scope: local paused <close> = guest:paused(). It runs again however the scope ends, when the last of several such scopes is over, if they have one journal; a guest that was paused before stays paused.
---@param options? guestlua.PausedOptions
---@return guestlua.Guard
function Guest:paused(options) end

---@class guestlua.PmWakeupOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Wakes a sleeping guest: its state is "pmsuspended", and resume() does not help. Returns when the request is sent, not when the guest is awake.
---
---libvirt: `virDomainPMWakeup`
---@param options? guestlua.PmWakeupOptions
function Guest:pm_wakeup(options) end

---@class guestlua.PoweroffOptions
---@field graceful? boolean fail if the emulator does not end by itself; if it does, all writes are done (not in the reference)
---@field remove_logs? boolean remove the guest's logs on its host (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Stops the guest at once, like pulling the plug. With an option it calls virDomainDestroyFlags.
---
---libvirt: `virDomainDestroy`
---@param options? guestlua.PoweroffOptions
function Guest:poweroff(options) end

---@class guestlua.PressOptions
---@field hold? integer how long they are held, in milliseconds; default: 0
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Presses keys of the guest's keyboard, all together: guest:press{ "leftctrl", "leftalt", "delete" }. The names are Linux's, without KEY_, and stand for places on a keyboard; send_key takes numbers.
---@param keys string[] a list of the keys' names
---@param options? guestlua.PressOptions
function Guest:press(keys, options) end

---@class guestlua.ReadFileOptions
---@field max_size? integer the maximum number of bytes; default 16 MiB
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Reads a file in the guest, through its agent. Kinds of errors: no_file, access_denied.
---@param path string the file's path in the guest
---@param options? guestlua.ReadFileOptions
---@return string content
---@return boolean more
function Guest:read_file(path, options) end

---@class guestlua.ResumeOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lets the CPUs of a paused guest run again.
---
---libvirt: `virDomainResume`
---@param options? guestlua.ResumeOptions
function Guest:resume(options) end

---@class guestlua.SaveMemoryStateOptions
---@field bypass_cache? boolean write past the host's file cache (not in the reference)
---@field running? boolean let it run at the next launch, even if it is paused now (not in the reference)
---@field paused? boolean leave it paused at the next launch (not in the reference)
---@field reset_nvram? boolean reset the UEFI variables at the next launch (libvirt 8.1; not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Saves the guest's memory on the host and stops the guest; launch() resumes it from there. If the wait is interrupted (Ctrl-C) or cancelled, the save is aborted and the guest keeps running.
---
---libvirt: `virDomainManagedSave`
---@param options? guestlua.SaveMemoryStateOptions
function Guest:save_memory_state(options) end

---@class guestlua.SetMetadataOptions
---@field persistent? boolean change the persistent configuration
---@field live? boolean change the running guest
---@field key? string the prefix of its namespace; default: "instance" (not in the reference)
---@field uri? string its namespace; default: http://openstack.org/xmlns/libvirt/nova/1.1 (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Keeps an element of your own in the guest's configuration; it replaces the one of the same namespace.
---
---libvirt: `virDomainSetMetadata`
---@param metadata? guestlua.Element|string the element to keep; nil: remove the present one
---@param options? guestlua.SetMetadataOptions
function Guest:set_metadata(metadata, options) end

---@class guestlua.SetUserPasswordOptions
---@field encrypted? boolean new_pass is a hash, as in the guest's own password file (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets the password of a user in the guest.
---
---libvirt: `virDomainSetUserPassword`
---@param user string the user in the guest
---@param new_pass string the new password, as plain text; no error shows it
---@param options? guestlua.SetUserPasswordOptions
function Guest:set_user_password(user, new_pass, options) end

---@class guestlua.ShutdownOptions
---@field acpi_power_btn? boolean press its ACPI power button (not in the reference)
---@field guest_agent? boolean ask its agent (not in the reference)
---@field initctl? boolean through the container's /dev/initctl (not in the reference)
---@field signal? boolean by a signal to the container's init (not in the reference)
---@field paravirt? boolean by Xen's paravirtual request (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Asks the guest to shut down, and does not wait until it has. A guest may ignore the request. The options choose the way; if there are several, libvirt picks one. With an option it calls virDomainShutdownFlags.
---
---libvirt: `virDomainShutdown`
---@param options? guestlua.ShutdownOptions
function Guest:shutdown(options) end

---@class guestlua.SnapshotOptions
---@field no_metadata? boolean keep no record of the snapshot in libvirt
---@field disk_only? boolean the disks without the memory
---@field reuse_ext? boolean the files of the new images exist already
---@field quiesce? boolean freeze the file systems during the snapshot; needs the guest agent
---@field atomic? boolean all disks or none (not in the reference)
---@field redefine? boolean take nothing, but record an existing snapshot in libvirt (not in the reference)
---@field current? boolean with redefine: make it the current snapshot (not in the reference)
---@field halt? boolean stop the guest after the snapshot (not in the reference)
---@field live? boolean with memory: the guest runs while its memory is saved (not in the reference)
---@field validate? boolean check the XML against libvirt's schema (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Takes a snapshot.
---
---libvirt: `virDomainSnapshotCreateXML`
---@param conf guestlua.Element|string the snapshot to take, a <domainsnapshot> element
---@param options? guestlua.SnapshotOptions
function Guest:snapshot(conf, options) end

---@class guestlua.SnapshotCreateAsOptions
---@field description? string what it is for
---@field disk_only? boolean external: the disks without the memory; the guest writes to new images beside the ones it has
---@field quiesce? boolean freeze the file systems meanwhile; needs the agent, and disk_only
---@field disks? table by target: the path of its new image, or false: left out; for the others libvirt chooses
---@field memory? string a file for the memory: an external snapshot with it
---@field live? boolean with memory: the guest runs while its memory is saved
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Takes a snapshot of that name, without XML. What else libvirt can take is for guest:snapshot().
---@param name string its name
---@param options? guestlua.SnapshotCreateAsOptions
---@return guestlua.Snapshot
function Guest:snapshot_create_as(name, options) end

---Subscribes to events of one or more kinds. Subscribe before the call that causes an event, or it may be missed.
---
---libvirt: `virConnectDomainEventRegisterAny`
---@param events integer|string[] an event's name, or a list of them
---@param options? guestlua.SubscribeOptions
---@return guestlua.Subscription # a Subscription: each call of its next(timeout) returns the next event
function Guest:subscribe(events, options) end

---@class guestlua.SyncGuestTimeOptions
---@field sync? boolean set it to the guest's hardware clock, not to this machine's time (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets the guest's clock to this machine's time. If the guest cannot do that, it returns false instead of raising an error.
---
---libvirt: `virDomainSetTime`
---@param options? guestlua.SyncGuestTimeOptions
---@return boolean done
---@return guestlua.Error? error
function Guest:sync_guest_time(options) end

---@class guestlua.ThawFilesystemsOptions
---@field mountpoints? string[] only these file systems (not in the reference); default: all
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Thaws the guest's file systems: it can write again. Harmless if nothing is frozen.
---
---libvirt: `virDomainFSThaw`
---@param options? guestlua.ThawFilesystemsOptions
function Guest:thaw_filesystems(options) end

---@class guestlua.UsersResult
---@field name string the user's name
---@field domain string? the user's domain, on Windows
---@field login_time integer milliseconds since 1970

---@class guestlua.UsersOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Who is logged in in the guest. By virDomainGetGuestInfo; the guest can make up its answers.
---@param options? guestlua.UsersOptions
---@return guestlua.UsersResult[]
function Guest:users(options) end

---Waits for an event of one of the names. If a call causes the event, subscribe before the call and wait on the Subscription instead: an earlier event is missed.
---@param names string|table an event's name, or a list of them
---@param options? guestlua.WaitEventOptions
---@return table # the event; an error of kind "timeout" if none came in time
function Guest:wait_event(names, options) end

---@class guestlua.WriteFileOptions
---@field append? boolean append to the file
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Writes a file in the guest, through its agent: it is made, or replaced, and flushed. The contents are masked in all that guestlua prints. Kinds of errors: no_file (its directory), access_denied.
---@param path string the file's path in the guest
---@param text string what is to be in it
---@param options? guestlua.WriteFileOptions
function Guest:write_file(path, text, options) end

---A guest under libvirt's own names: guest.domain makes one. A Guest has its methods too, but for those with a name that it has itself.
---@class guestlua.Domain: userdata
---@field guest guestlua.Guest The Guest that it is.
---@field host guestlua.Host The connection that it was found on.
---@field name string The name that it is known by.
---@field uuid string Its UUID, 36 characters.
local Domain = {}

---@class guestlua.DomainAbortJobOptions
---@field postcopy? boolean interrupt a migration in its post-copy phase
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Ends the guest's job: a save, a dump, a migration.
---
---libvirt: `virDomainAbortJobFlags`
---@param options? guestlua.DomainAbortJobOptions
function Domain:abort_job(options) end

---@class guestlua.AddIothreadOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run: what nothing is said means
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Gives the guest another thread for its disks.
---
---libvirt: `virDomainAddIOThread`
---@param iothread_id integer the thread's number
---@param options? guestlua.AddIothreadOptions
function Domain:add_iothread(iothread_id, options) end

---Sets how long libvirt waits for the guest's agent, in seconds: -2 for ever, -1 its default.
---
---libvirt: `virDomainAgentSetResponseTimeout`
---@param seconds integer seconds
---@param options? guestlua.AgentSetResponseTimeoutOptions
function Domain:agent_set_response_timeout(seconds, options) end

---@class guestlua.DomainAttachDeviceOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run
---@field force? boolean even if the guest does not agree
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Gives the guest a device.
---
---libvirt: `virDomainAttachDeviceFlags`
---@param xml guestlua.Element|string an Element or XML text
---@param options? guestlua.DomainAttachDeviceOptions
function Domain:attach_device(xml, options) end

---@class guestlua.AuthorizedSshKeysGetOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The SSH keys that may log in as a user of the guest.
---
---libvirt: `virDomainAuthorizedSSHKeysGet`
---@param user string the user
---@param options? guestlua.AuthorizedSshKeysGetOptions
---@return string[]
function Domain:authorized_ssh_keys_get(user, options) end

---@class guestlua.AuthorizedSshKeysSetOptions
---@field append? boolean and keep the present ones
---@field remove? boolean remove these
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets the SSH keys that may log in as a user of the guest.
---
---libvirt: `virDomainAuthorizedSSHKeysSet`
---@param user string the user
---@param keys? string[] the keys, a text each
---@param options? guestlua.AuthorizedSshKeysSetOptions
function Domain:authorized_ssh_keys_set(user, keys, options) end

---@class guestlua.DomainBackupBeginOptions
---@field reuse_external? boolean the files are there already
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Begins a backup of the guest's disks.
---
---libvirt: `virDomainBackupBegin`
---@param backup_xml guestlua.Element|string a <domainbackup> element
---@param checkpoint_xml? guestlua.Element|string a <domaincheckpoint> element
---@param options? guestlua.DomainBackupBeginOptions
function Domain:backup_begin(backup_xml, checkpoint_xml, options) end

---@class guestlua.BackupGetXmlDescOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The backup that is under way, as XML.
---
---libvirt: `virDomainBackupGetXMLDesc`
---@param options? guestlua.BackupGetXmlDescOptions
---@return string
function Domain:backup_get_xml_desc(options) end

---@class guestlua.BlockCommitOptions
---@field active? boolean the topmost image too: block_job_abort with pivot ends it
---@field bandwidth_bytes? boolean the bandwidth is in bytes a second
---@field delete? boolean delete what was merged
---@field relative? boolean paths to images below stay relative
---@field shallow? boolean into the image right below `top`
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Begins to merge what images have into the one below them.
---
---libvirt: `virDomainBlockCommit`
---@param disk string the disk's target, as "vda"
---@param base? string the image to end at
---@param top? string the image to begin at
---@param bandwidth? integer MiB/s; 0: no limit
---@param options? guestlua.BlockCommitOptions
function Domain:block_commit(disk, base, top, bandwidth, options) end

---@class guestlua.BlockCopyOptions
---@field reuse_ext? boolean the file is there already
---@field shallow? boolean the topmost image alone
---@field synchronous_writes? boolean each write waits until the copy has it
---@field transient_job? boolean also if the guest is persistent: the job is lost when it stops
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Begins to copy a disk to another place.
---
---libvirt: `virDomainBlockCopy`
---@param disk string the disk's target, as "vda"
---@param destxml guestlua.Element|string where to: a <disk> element
---@param params? table a table from name to value
---@param options? guestlua.BlockCopyOptions
function Domain:block_copy(disk, destxml, params, options) end

---@class guestlua.BlockJobAbortOptions
---@field async? boolean do not wait: an event says when it is over
---@field pivot? boolean go on with the copy
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Ends a disk's job.
---
---libvirt: `virDomainBlockJobAbort`
---@param disk string the disk's target, as "vda"
---@param options? guestlua.BlockJobAbortOptions
function Domain:block_job_abort(disk, options) end

---@class guestlua.BlockJobSetSpeedOptions
---@field bandwidth_bytes? boolean the bandwidth is in bytes a second
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets how fast a disk's job may be, in MiB/s; bytes: in bytes a second.
---
---libvirt: `virDomainBlockJobSetSpeed`
---@param disk string the disk's target, as "vda"
---@param bandwidth integer MiB/s; 0: no limit
---@param options? guestlua.BlockJobSetSpeedOptions
function Domain:block_job_set_speed(disk, bandwidth, options) end

---@class guestlua.BlockPeekOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Reads bytes of a disk's image, as they are in the file.
---
---libvirt: `virDomainBlockPeek`
---@param disk string the disk's target, as in "vda", or the path of its source
---@param offset integer the first byte
---@param size integer how many bytes
---@param options? guestlua.BlockPeekOptions
---@return string
function Domain:block_peek(disk, offset, size, options) end

---@class guestlua.BlockPullOptions
---@field bandwidth_bytes? boolean the bandwidth is in bytes a second
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Begins to copy into a disk's image what it has from those below it.
---
---libvirt: `virDomainBlockPull`
---@param disk string the disk's target, as "vda"
---@param bandwidth? integer MiB/s; 0: no limit
---@param options? guestlua.BlockPullOptions
function Domain:block_pull(disk, bandwidth, options) end

---@class guestlua.BlockRebaseOptions
---@field bandwidth_bytes? boolean the bandwidth is in bytes a second
---@field copy? boolean copy the disk to the file `base`
---@field copy_dev? boolean `base` is a block device
---@field copy_raw? boolean make the copy raw
---@field relative? boolean paths to images below stay relative
---@field reuse_ext? boolean the file is there already
---@field shallow? boolean copy the topmost image alone
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Begins to copy into a disk's image what it has from those below it, down to `base`.
---
---libvirt: `virDomainBlockRebase`
---@param disk string the disk's target, as "vda"
---@param base? string the image to end at
---@param bandwidth? integer MiB/s; 0: no limit
---@param options? guestlua.BlockRebaseOptions
function Domain:block_rebase(disk, base, bandwidth, options) end

---@class guestlua.BlockResizeOptions
---@field bytes? boolean the size is in bytes
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Changes the size of a disk, in KiB; bytes: in bytes.
---
---libvirt: `virDomainBlockResize`
---@param disk string the disk's target, as "vda"
---@param size integer KiB; with the option bytes: bytes
---@param options? guestlua.BlockResizeOptions
function Domain:block_resize(disk, size, options) end

---@class guestlua.BlockStatsResult
---@field rd_req integer number of read requests
---@field rd_bytes integer number of read bytes
---@field wr_req integer number of write requests
---@field wr_bytes integer number of written bytes
---@field errs integer In Xen this returns the mysterious 'oo_req'

---@class guestlua.BlockStatsOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---How much was read from a disk, and written to it.
---
---libvirt: `virDomainBlockStats`
---@param disk string the disk's target, as "vda"
---@param options? guestlua.BlockStatsOptions
---@return guestlua.BlockStatsResult
function Domain:block_stats(disk, options) end

---@class guestlua.BlockStatsFlagsOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---All that is counted of a disk.
---
---libvirt: `virDomainBlockStatsFlags`
---@param disk string the disk's target, as "vda"
---@param options? guestlua.BlockStatsFlagsOptions
---@return table<string,any> # values by libvirt's names
function Domain:block_stats_flags(disk, options) end

---@class guestlua.CheckpointCreateXmlOptions
---@field quiesce? boolean freeze the file systems meanwhile; needs the agent
---@field redefine? boolean libvirt learns of one that exists
---@field redefine_validate? boolean with redefine: look whether the images have its bitmaps
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Makes a checkpoint: from now on it is known what changes on the disks.
---
---libvirt: `virDomainCheckpointCreateXML`
---@param xml_desc guestlua.Element|string an Element or XML text
---@param options? guestlua.CheckpointCreateXmlOptions
---@return guestlua.Checkpoint
function Domain:checkpoint_create_xml(xml_desc, options) end

---@class guestlua.CheckpointLookupByNameOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Finds a checkpoint of the guest by its name.
---
---libvirt: `virDomainCheckpointLookupByName`
---@param name string its name
---@param options? guestlua.CheckpointLookupByNameOptions
---@return guestlua.Checkpoint?
function Domain:checkpoint_lookup_by_name(name, options) end

---@class guestlua.CheckpointsOptions
---@field descendants? boolean with those after those after it, and so on
---@field leaves? boolean true: only those that are leaves; false: only those that are no_leaves
---@field roots? boolean those that stand on no other
---@field topological? boolean each after the one that it stands on
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the guest's checkpoints.
---
---libvirt: `virDomainListAllCheckpoints`
---@param options? guestlua.CheckpointsOptions
---@return guestlua.Checkpoint[]
function Domain:checkpoints(options) end

---@class guestlua.CoreDumpOptions
---@field bypass_cache? boolean past the host's cache
---@field crash? boolean and the guest is off then
---@field live? boolean while its processors run on
---@field memory_only? boolean its memory and registers alone, in a format that debuggers read
---@field reset? boolean and the guest is reset then
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Writes the guest's memory to a file on its host, for a debugger.
---
---libvirt: `virDomainCoreDump`
---@param to string the file on the host to write
---@param options? guestlua.CoreDumpOptions
function Domain:core_dump(to, options) end

---@class guestlua.CoreDumpWithFormatOptions
---@field bypass_cache? boolean past the host's cache
---@field crash? boolean and the guest is off then
---@field live? boolean while its processors run on
---@field memory_only? boolean its memory and registers alone, in a format that debuggers read
---@field reset? boolean and the guest is reset then
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Writes the guest's memory to a file on its host, for a debugger.
---
---libvirt: `virDomainCoreDumpWithFormat`
---@param to string the file on the host to write
---@param dumpformat string how the file is written
---@param options? guestlua.CoreDumpWithFormatOptions
function Domain:core_dump_with_format(to, dumpformat, options) end

---@class guestlua.DomainCreateOptions
---@field autodestroy? boolean it ends with this connection
---@field bypass_cache? boolean read a saved memory past the host's cache
---@field force_boot? boolean from the beginning: drop a saved memory
---@field paused? boolean leave its processors paused
---@field reset_nvram? boolean with fresh UEFI variables
---@field validate? boolean check it against libvirt's schema first
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Starts the guest. guest:launch() is the reference's name for it.
---
---libvirt: `virDomainCreateWithFlags`
---@param options? guestlua.DomainCreateOptions
function Domain:create(options) end

---@class guestlua.CreateWithFilesOptions
---@field paused? boolean start it paused
---@field autodestroy? boolean destroy it when this connection closes
---@field bypass_cache? boolean keep a saved memory out of this machine's file cache
---@field force_boot? boolean throw a saved memory away
---@field validate? boolean check the configuration against libvirt's schema
---@field reset_nvram? boolean start with fresh UEFI variables
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Starts the guest, and hands open files to its first program: for containers.
---
---libvirt: `virDomainCreateWithFiles`
---@param files file|files[] what the guest's first program gets, from descriptor 3 on
---@param options? guestlua.CreateWithFilesOptions
function Domain:create_with_files(files, options) end

---@class guestlua.DelIothreadOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run: what nothing is said means
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Takes a thread for its disks from the guest.
---
---libvirt: `virDomainDelIOThread`
---@param iothread_id integer the thread's number
---@param options? guestlua.DelIothreadOptions
function Domain:del_iothread(iothread_id, options) end

---@class guestlua.DestroyOptions
---@field graceful? boolean fail if QEMU does not end by itself; nothing is killed
---@field remove_logs? boolean remove its log files
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Stops the guest at once, as pulling the plug does. guest:poweroff() is the reference's name for it.
---
---libvirt: `virDomainDestroyFlags`
---@param options? guestlua.DestroyOptions
function Domain:destroy(options) end

---@class guestlua.DomainDetachDeviceOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run
---@field force? boolean even if the guest does not agree
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Takes a device from the guest. One that runs has to agree: an event says when it is gone.
---
---libvirt: `virDomainDetachDeviceFlags`
---@param xml guestlua.Element|string an Element or XML text
---@param options? guestlua.DomainDetachDeviceOptions
function Domain:detach_device(xml, options) end

---@class guestlua.DetachDeviceAliasOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run
---@field force? boolean even if the guest does not agree
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Takes the device of that alias from the guest. It has to agree: an event says when it is gone.
---
---libvirt: `virDomainDetachDeviceAlias`
---@param alias string the device's alias
---@param options? guestlua.DetachDeviceAliasOptions
function Domain:detach_device_alias(alias, options) end

---@class guestlua.FdAssociateOptions
---@field seclabel_restore? boolean set its security label back after use, if that can be done
---@field seclabel_writable? boolean label it as one that may be written, even if it is only read
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Gives the guest an image as an open file, for as long as this connection lasts: the source of a disk names it as its fdgroup.
---
---libvirt: `virDomainFDAssociate`
---@param name string the fdgroup of a disk's source that is to be these files
---@param files file|files[] the disk's image, open
---@param options? guestlua.FdAssociateOptions
function Domain:fd_associate(name, files, options) end

---@class guestlua.FsFreezeOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Has the guest write out its file systems and keep them still.
---
---libvirt: `virDomainFSFreeze`
---@param mountpoints? string[] where the file systems are mounted; nil: all
---@param options? guestlua.FsFreezeOptions
---@return integer # integer: how many were frozen
function Domain:fs_freeze(mountpoints, options) end

---@class guestlua.FsThawOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lets the guest's file systems go on.
---
---libvirt: `virDomainFSThaw`
---@param mountpoints? string[] where the file systems are mounted; nil: all
---@param options? guestlua.FsThawOptions
---@return integer # integer: how many were thawed
function Domain:fs_thaw(mountpoints, options) end

---@class guestlua.FsTrimOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Has the guest give back what its file systems do not use.
---
---libvirt: `virDomainFSTrim`
---@param mount_point? string where the file system is mounted; nil: all
---@param minimum? integer the smallest hole that is given back, in bytes
---@param options? guestlua.FsTrimOptions
function Domain:fs_trim(mount_point, minimum, options) end

---@class guestlua.GetAutostartOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Whether the guest starts with its host.
---
---libvirt: `virDomainGetAutostart`
---@param options? guestlua.GetAutostartOptions
---@return boolean
function Domain:get_autostart(options) end

---@class guestlua.GetBlkioParametersOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run: what nothing is said means
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The limits of all of the guest's disks together.
---
---libvirt: `virDomainGetBlkioParameters`
---@param options? guestlua.GetBlkioParametersOptions
---@return table<string,any> # values by libvirt's names
function Domain:get_blkio_parameters(options) end

---@class guestlua.GetBlockInfoResult
---@field capacity integer logical size in bytes of the image (how much storage the guest will see)
---@field allocation integer host storage in bytes occupied by the image (such as highest allocated extent if there are no holes, similar to 'du')
---@field physical integer host physical size in bytes of the image container (last offset, similar to 'ls')

---@class guestlua.GetBlockInfoOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---How large a disk is: capacity, allocation, physical.
---
---libvirt: `virDomainGetBlockInfo`
---@param disk string the disk's target, as "vda"
---@param options? guestlua.GetBlockInfoOptions
---@return guestlua.GetBlockInfoResult
function Domain:get_block_info(disk, options) end

---@class guestlua.GetBlockIoTuneOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run: what nothing is said means
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The limits of a disk.
---
---libvirt: `virDomainGetBlockIoTune`
---@param disk string the disk's target, as "vda"
---@param options? guestlua.GetBlockIoTuneOptions
---@return table<string,any> # values by libvirt's names
function Domain:get_block_io_tune(disk, options) end

---@class guestlua.GetBlockJobInfoResult
---@field type string virDomainBlockJobType
---@field bandwidth integer The following fields provide an indication of block job progress. @cur indicates the current position and will be between 0 and @end. @end is the final cursor position for this operation and represents completion. To approximate progress, divide @cur by @end
---@field cur integer see libvirt
---@field end integer see libvirt

---@class guestlua.GetBlockJobInfoOptions
---@field bandwidth_bytes? boolean the bandwidth is in bytes a second
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---How far a disk's job is.
---
---libvirt: `virDomainGetBlockJobInfo`
---@param disk string the disk's target, as "vda"
---@param options? guestlua.GetBlockJobInfoOptions
---@return guestlua.GetBlockJobInfoResult
function Domain:get_block_job_info(disk, options) end

---@class guestlua.GetControlInfoResult
---@field state string control state, one of virDomainControlState
---@field details integer state details, currently 0 except for ERROR state (one of virDomainControlErrorReason)
---@field state_time integer for how long (in msec) control interface has been in current state (except for OK and ERROR states)

---@class guestlua.GetControlInfoOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---How libvirt stands with the hypervisor: whether it answers.
---
---libvirt: `virDomainGetControlInfo`
---@param options? guestlua.GetControlInfoOptions
---@return guestlua.GetControlInfoResult
function Domain:get_control_info(options) end

---@class guestlua.DomainGetCpuStatsOptions
---@field total? boolean of all processors together
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---How much time of each of the host's processors the guest has used, in nanoseconds.
---
---libvirt: `virDomainGetCPUStats`
---@param options? guestlua.DomainGetCpuStatsOptions
---@return table # a list of tables, the first for processor 0; with total one table
function Domain:get_cpu_stats(options) end

---@class guestlua.GetEmulatorPinInfoOptions
---@field live? boolean the running guest
---@field config? boolean its configuration, from the next start on
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---On which of the host's processors the emulator itself may run.
---
---libvirt: `virDomainGetEmulatorPinInfo`
---@param options? guestlua.GetEmulatorPinInfoOptions
---@return integer[]
function Domain:get_emulator_pin_info(options) end

---@class guestlua.GetFsInfoResult
---@field mountpoint string where it is mounted
---@field name string its device in the guest
---@field fstype string as in "ext4"
---@field dev_alias string[] the guest's disks that it is on, as in "vda"

---@class guestlua.GetFsInfoOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The file systems that are mounted in the guest, says its agent.
---
---libvirt: `virDomainGetFSInfo`
---@param options? guestlua.GetFsInfoOptions
---@return guestlua.GetFsInfoResult[]
function Domain:get_fs_info(options) end

---@class guestlua.DomainGetGuestInfoOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---What the guest's agent says of the system inside.
---
---libvirt: `virDomainGetGuestInfo`
---@param types integer|string[] what to ask for
---@param options? guestlua.DomainGetGuestInfoOptions
---@return table<string,any> # values by libvirt's names
function Domain:get_guest_info(types, options) end

---@class guestlua.GetGuestVcpusOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Which processors the guest's own system uses, says its agent.
---
---libvirt: `virDomainGetGuestVcpus`
---@param options? guestlua.GetGuestVcpusOptions
---@return table<string,any> # values by libvirt's names
function Domain:get_guest_vcpus(options) end

---@class guestlua.GetHostnameOptions
---@field agent? boolean ask its agent
---@field lease? boolean look at the network's leases
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The guest's own host name, from the network's leases or from its agent.
---
---libvirt: `virDomainGetHostname`
---@param options? guestlua.GetHostnameOptions
---@return string
function Domain:get_hostname(options) end

---@class guestlua.DomainGetInfoResult
---@field state string the running state, one of virDomainState
---@field max_mem integer the maximum memory in KBytes allowed
---@field memory integer the memory in KBytes used by the domain
---@field nr_virt_cpu integer the number of virtual CPUs for the domain
---@field cpu_time integer the CPU time used in nanoseconds

---The guest's state, memory and processors.
---
---libvirt: `virDomainGetInfo`
---@param options? guestlua.GetInfoOptions
---@return guestlua.DomainGetInfoResult
function Domain:get_info(options) end

---@class guestlua.GetInterfaceParametersOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run: what nothing is said means
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The limits of one of the guest's network interfaces.
---
---libvirt: `virDomainGetInterfaceParameters`
---@param device string the interface's name on the host, as "vnet0", or its MAC address
---@param options? guestlua.GetInterfaceParametersOptions
---@return table<string,any> # values by libvirt's names
function Domain:get_interface_parameters(device, options) end

---@class guestlua.GetIothreadInfoResult
---@field iothread_id integer its number
---@field cpus integer[] the host's processors that it may run on

---@class guestlua.GetIothreadInfoOptions
---@field live? boolean the running guest
---@field config? boolean its configuration, from the next start on
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The threads for the guest's disks, and on which of the host's processors they may run.
---
---libvirt: `virDomainGetIOThreadInfo`
---@param options? guestlua.GetIothreadInfoOptions
---@return guestlua.GetIothreadInfoResult[]
function Domain:get_iothread_info(options) end

---@class guestlua.DomainGetJobInfoResult
---@field type string Time is measured in milliseconds
---@field time_elapsed integer Always set
---@field time_remaining integer Only for VIR_DOMAIN_JOB_BOUNDED Data is measured in bytes unless otherwise specified and is measuring the job as a whole. For VIR_DOMAIN_JOB_UNBOUNDED, dataTotal may be less than the final sum of dataProcessed + dataRemaining in the event that the hypervisor has to repeat some data, such as due to dirtied pages during migration. For VIR_DOMAIN_JOB_BOUNDED, dataTotal shall always equal the sum of dataProcessed + dataRemaining
---@field data_total integer see libvirt
---@field data_processed integer see libvirt
---@field data_remaining integer As above, but only tracking guest memory progress
---@field mem_total integer see libvirt
---@field mem_processed integer see libvirt
---@field mem_remaining integer As above, but only tracking guest disk file progress
---@field file_total integer see libvirt
---@field file_processed integer see libvirt
---@field file_remaining integer see libvirt

---@class guestlua.DomainGetJobInfoOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---How far the guest's job is.
---
---libvirt: `virDomainGetJobInfo`
---@param options? guestlua.DomainGetJobInfoOptions
---@return guestlua.DomainGetJobInfoResult
function Domain:get_job_info(options) end

---@class guestlua.GetJobStatsOptions
---@field completed? boolean of the last job that ended
---@field keep_completed? boolean and can be asked for again
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---All that is known of the guest's job, or of the one that was last.
---
---libvirt: `virDomainGetJobStats`
---@param options? guestlua.GetJobStatsOptions
---@return string type
---@return table<string,any> params
function Domain:get_job_stats(options) end

---@class guestlua.GetLaunchSecurityInfoOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---What the guest's owner needs to see that its memory is encrypted.
---
---libvirt: `virDomainGetLaunchSecurityInfo`
---@param options? guestlua.GetLaunchSecurityInfoOptions
---@return table<string,any> # values by libvirt's names
function Domain:get_launch_security_info(options) end

---@class guestlua.GetMaxMemoryOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---How much memory the guest can have at most, in KiB.
---
---libvirt: `virDomainGetMaxMemory`
---@param options? guestlua.GetMaxMemoryOptions
---@return integer
function Domain:get_max_memory(options) end

---How many processors the guest can have at most.
---
---libvirt: `virDomainGetMaxVcpus`
---@param options? guestlua.GetMaxVcpusOptions
---@return integer
function Domain:get_max_vcpus(options) end

---@class guestlua.DomainGetMemoryParametersOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run: what nothing is said means
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The limits of the guest's memory.
---
---libvirt: `virDomainGetMemoryParameters`
---@param options? guestlua.DomainGetMemoryParametersOptions
---@return table<string,any> # values by libvirt's names
function Domain:get_memory_parameters(options) end

---@class guestlua.GetMessagesOptions
---@field deprecation? boolean what it uses and will not be there for ever
---@field tainting? boolean what nobody supports
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---What libvirt warns of: that the guest is tainted, that something is deprecated.
---
---libvirt: `virDomainGetMessages`
---@param options? guestlua.GetMessagesOptions
---@return string[]
function Domain:get_messages(options) end

---@class guestlua.DomainGetMetadataOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run: what nothing is said means
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The guest's title, description or an element of its own.
---
---libvirt: `virDomainGetMetadata`
---@param type string which of them
---@param uri? string the element's namespace
---@param options? guestlua.DomainGetMetadataOptions
---@return string
function Domain:get_metadata(type, uri, options) end

---@class guestlua.GetNumaParametersOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run: what nothing is said means
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---On which NUMA nodes the guest's memory is.
---
---libvirt: `virDomainGetNumaParameters`
---@param options? guestlua.GetNumaParametersOptions
---@return table<string,any> # values by libvirt's names
function Domain:get_numa_parameters(options) end

---@class guestlua.GetOsTypeOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---What the guest is made for, as "hvm".
---
---libvirt: `virDomainGetOSType`
---@param options? guestlua.GetOsTypeOptions
---@return string
function Domain:get_os_type(options) end

---@class guestlua.GetPerfEventsOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run: what nothing is said means
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Which events of the processors are counted.
---
---libvirt: `virDomainGetPerfEvents`
---@param options? guestlua.GetPerfEventsOptions
---@return table<string,any> # values by libvirt's names
function Domain:get_perf_events(options) end

---@class guestlua.GetSchedulerParametersOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run: what nothing is said means
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---How much of the host's processors the guest gets.
---
---libvirt: `virDomainGetSchedulerParametersFlags`
---@param options? guestlua.GetSchedulerParametersOptions
---@return table<string,any> # values by libvirt's names
function Domain:get_scheduler_parameters(options) end

---@class guestlua.GetSchedulerTypeOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---How the hypervisor shares its processors out.
---
---libvirt: `virDomainGetSchedulerType`
---@param options? guestlua.GetSchedulerTypeOptions
---@return string
function Domain:get_scheduler_type(options) end

---@class guestlua.GetSecurityLabelResult
---@field label string security label string
---@field enforcing integer 1 if security policy is being enforced for domain

---@class guestlua.GetSecurityLabelOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The security label of the guest's process.
---
---libvirt: `virDomainGetSecurityLabel`
---@param options? guestlua.GetSecurityLabelOptions
---@return guestlua.GetSecurityLabelResult
function Domain:get_security_label(options) end

---@class guestlua.GetSecurityLabelListResult
---@field label string the label
---@field enforcing integer 1: the host enforces it

---@class guestlua.GetSecurityLabelListOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The security labels of the guest's process, one for each model.
---
---libvirt: `virDomainGetSecurityLabelList`
---@param options? guestlua.GetSecurityLabelListOptions
---@return guestlua.GetSecurityLabelListResult[]
function Domain:get_security_label_list(options) end

---@class guestlua.GetStatsOptions
---@field types? integer|string[] what is asked for, as {"cpu_total", "block"}; nil: all
---@field nowait? boolean leave out what a guest that is busy does not say at once
---@field backing? boolean of all images of a disk, and not only of the top one
---@field enforce_stats? boolean fail if something cannot be said
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The guest's statistics, all in one call. guest:stats() has them nested.
---
---libvirt: `virDomainListGetStats`
---@param options? guestlua.GetStatsOptions
---@return table<string,any> # values by libvirt's names, as in "cpu.time" and "block.0.rd.bytes"
function Domain:get_stats(options) end

---@class guestlua.GetTimeOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The guest's own time.
---
---libvirt: `virDomainGetTime`
---@param options? guestlua.GetTimeOptions
---@return integer seconds
---@return integer nseconds
function Domain:get_time(options) end

---@class guestlua.GetVcpuPinInfoOptions
---@field live? boolean the running guest
---@field config? boolean its configuration, from the next start on
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---On which of the host's processors those of the guest may run.
---
---libvirt: `virDomainGetVcpuPinInfo`
---@param options? guestlua.GetVcpuPinInfoOptions
---@return integer[][] # a list of host processors for each of the guest's, the first for its processor 0
function Domain:get_vcpu_pin_info(options) end

---@class guestlua.DomainGetVcpusOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run
---@field guest? boolean what the guest's own system uses, by its agent
---@field hotpluggable? boolean those that can be unplugged while it runs
---@field live? boolean the running guest
---@field maximum? boolean the most that it can have
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---How many processors the guest has.
---
---libvirt: `virDomainGetVcpusFlags`
---@param options? guestlua.DomainGetVcpusOptions
---@return integer
function Domain:get_vcpus(options) end

---@class guestlua.DomainGetXmlDescOptions
---@field inactive? boolean what it is at its next start
---@field migratable? boolean as it is sent to another host
---@field secure? boolean with passwords in it
---@field update_cpu? boolean with the host's processor filled in
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The guest's configuration, as XML.
---
---libvirt: `virDomainGetXMLDesc`
---@param options? guestlua.DomainGetXmlDescOptions
---@return string
function Domain:get_xml_desc(options) end

---@class guestlua.HasCurrentSnapshotOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Whether the guest has a current snapshot.
---
---libvirt: `virDomainHasCurrentSnapshot`
---@param options? guestlua.HasCurrentSnapshotOptions
---@return boolean
function Domain:has_current_snapshot(options) end

---@class guestlua.HasManagedSaveImageOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Whether managed_save saved the guest's memory.
---
---libvirt: `virDomainHasManagedSaveImage`
---@param options? guestlua.HasManagedSaveImageOptions
---@return boolean
function Domain:has_managed_save_image(options) end

---Sends the guest a non-maskable interrupt.
---
---libvirt: `virDomainInjectNMI`
---@param options? guestlua.InjectNmiOptions
function Domain:inject_nmi(options) end

---@class guestlua.InterfaceAddressesResult
---@field name string the interface, as whoever was asked calls it
---@field hwaddr string? its MAC address
---@field addrs table[] its addresses: type ("ipv4" or "ipv6"), addr, prefix

---@class guestlua.InterfaceAddressesOptions
---@field source? string who is asked: the network's leases, the guest's agent, the host's ARP table; default: "lease"
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The IP addresses of the guest's network interfaces.
---
---libvirt: `virDomainInterfaceAddresses`
---@param options? guestlua.InterfaceAddressesOptions
---@return guestlua.InterfaceAddressesResult[]
function Domain:interface_addresses(options) end

---@class guestlua.InterfaceStatsResult
---@field rx_bytes integer see libvirt
---@field rx_packets integer see libvirt
---@field rx_errs integer see libvirt
---@field rx_drop integer see libvirt
---@field tx_bytes integer see libvirt
---@field tx_packets integer see libvirt
---@field tx_errs integer see libvirt
---@field tx_drop integer see libvirt

---@class guestlua.InterfaceStatsOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---What went over one of the guest's network interfaces.
---
---libvirt: `virDomainInterfaceStats`
---@param device string the interface's name on the host, as "vnet0", or its MAC address
---@param options? guestlua.InterfaceStatsOptions
---@return guestlua.InterfaceStatsResult
function Domain:interface_stats(device, options) end

---Whether the guest runs; a paused guest does.
---
---libvirt: `virDomainIsActive`
---@param options? guestlua.IsActiveOptions
---@return boolean
function Domain:is_active(options) end

---@class guestlua.IsPersistentOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Whether the host keeps the guest's configuration when the guest stops.
---
---libvirt: `virDomainIsPersistent`
---@param options? guestlua.IsPersistentOptions
---@return boolean
function Domain:is_persistent(options) end

---@class guestlua.IsUpdatedOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Whether the guest's configuration was changed since it was started.
---
---libvirt: `virDomainIsUpdated`
---@param options? guestlua.IsUpdatedOptions
---@return boolean
function Domain:is_updated(options) end

---@class guestlua.ListAllCheckpointsOptions
---@field descendants? boolean with those after those after it, and so on
---@field leaves? boolean those that no other stands on
---@field no_leaves? boolean those that another stands on
---@field roots? boolean those that stand on no other
---@field topological? boolean each after the one that it stands on
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the guest's checkpoints. guest:checkpoints() has fewer words for the same.
---
---libvirt: `virDomainListAllCheckpoints`
---@param options? guestlua.ListAllCheckpointsOptions
---@return guestlua.Checkpoint[]
function Domain:list_all_checkpoints(options) end

---@class guestlua.ListAllSnapshotsOptions
---@field active? boolean those of guests that ran
---@field descendants? boolean with those after those after it, and so on
---@field disk_only? boolean those without memory of guests that ran
---@field external? boolean those in files of their own
---@field inactive? boolean those of guests that were off
---@field internal? boolean those inside the disks' images
---@field leaves? boolean those that no other stands on
---@field metadata? boolean those that libvirt remembers
---@field no_leaves? boolean those that another stands on
---@field no_metadata? boolean those that libvirt does not remember
---@field roots? boolean those that stand on no other
---@field topological? boolean each after the one that it stands on
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the guest's snapshots. guest:snapshots() has fewer words for the same.
---
---libvirt: `virDomainListAllSnapshots`
---@param options? guestlua.ListAllSnapshotsOptions
---@return guestlua.Snapshot[]
function Domain:list_all_snapshots(options) end

---@class guestlua.ManagedSaveOptions
---@field bypass_cache? boolean past the host's cache
---@field paused? boolean it is paused when it goes on
---@field reset_nvram? boolean it goes on with fresh UEFI variables
---@field running? boolean it runs when it goes on
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Saves the guest's memory where libvirt finds it, and stops the guest: its next start goes on from there.
---
---libvirt: `virDomainManagedSave`
---@param options? guestlua.ManagedSaveOptions
function Domain:managed_save(options) end

---@class guestlua.ManagedSaveDefineXmlOptions
---@field bypass_cache? boolean past the host's cache
---@field paused? boolean it is paused when it goes on
---@field reset_nvram? boolean it goes on with fresh UEFI variables
---@field running? boolean it runs when it goes on
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Changes the configuration in what managed_save saved.
---
---libvirt: `virDomainManagedSaveDefineXML`
---@param dxml guestlua.Element|string the configuration to use instead
---@param options? guestlua.ManagedSaveDefineXmlOptions
function Domain:managed_save_define_xml(dxml, options) end

---@class guestlua.ManagedSaveGetXmlDescOptions
---@field secure? boolean with passwords in it
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The configuration in what managed_save saved, as XML.
---
---libvirt: `virDomainManagedSaveGetXMLDesc`
---@param options? guestlua.ManagedSaveGetXmlDescOptions
---@return string
function Domain:managed_save_get_xml_desc(options) end

---@class guestlua.ManagedSaveRemoveOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Drops the memory that managed_save saved: the next start is one from the beginning.
---
---libvirt: `virDomainManagedSaveRemove`
---@param options? guestlua.ManagedSaveRemoveOptions
function Domain:managed_save_remove(options) end

---@class guestlua.MemoryPeekOptions
---@field virtual? boolean the address is one of the processor's: what nothing is said means
---@field physical? boolean the address is one of the memory itself
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Reads bytes of the guest's memory.
---
---libvirt: `virDomainMemoryPeek`
---@param offset integer the first byte
---@param size integer how many bytes
---@param options? guestlua.MemoryPeekOptions
---@return string
function Domain:memory_peek(offset, size, options) end

---@class guestlua.MemoryStatsOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---How the guest uses its memory: actual_balloon, rss, unused, usable ... What is inside the guest it says itself, by its balloon driver.
---
---libvirt: `virDomainMemoryStats`
---@param options? guestlua.MemoryStatsOptions
---@return table<string,integer> # KiB by name; faults are counts, last_update is a time
function Domain:memory_stats(options) end

---@class guestlua.MigrateGetCompressionCacheOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---How much memory the compression of a migration may take, in bytes.
---
---libvirt: `virDomainMigrateGetCompressionCache`
---@param options? guestlua.MigrateGetCompressionCacheOptions
---@return integer
function Domain:migrate_get_compression_cache(options) end

---@class guestlua.MigrateGetMaxDowntimeOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---How long the guest may stand still at the end of a migration, in ms.
---
---libvirt: `virDomainMigrateGetMaxDowntime`
---@param options? guestlua.MigrateGetMaxDowntimeOptions
---@return integer
function Domain:migrate_get_max_downtime(options) end

---@class guestlua.MigrateGetMaxSpeedOptions
---@field postcopy? boolean in the post-copy phase
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---How fast a migration may be, in MiB/s.
---
---libvirt: `virDomainMigrateGetMaxSpeed`
---@param options? guestlua.MigrateGetMaxSpeedOptions
---@return integer
function Domain:migrate_get_max_speed(options) end

---@class guestlua.MigrateSetCompressionCacheOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets how much memory the compression of a migration may take, in bytes.
---
---libvirt: `virDomainMigrateSetCompressionCache`
---@param cache_size integer bytes
---@param options? guestlua.MigrateSetCompressionCacheOptions
function Domain:migrate_set_compression_cache(cache_size, options) end

---@class guestlua.MigrateSetMaxDowntimeOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets how long the guest may stand still at the end of a migration, in ms.
---
---libvirt: `virDomainMigrateSetMaxDowntime`
---@param downtime integer milliseconds
---@param options? guestlua.MigrateSetMaxDowntimeOptions
function Domain:migrate_set_max_downtime(downtime, options) end

---@class guestlua.MigrateSetMaxSpeedOptions
---@field postcopy? boolean in the post-copy phase
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets how fast a migration may be, in MiB/s.
---
---libvirt: `virDomainMigrateSetMaxSpeed`
---@param bandwidth integer MiB/s; 0: no limit
---@param options? guestlua.MigrateSetMaxSpeedOptions
function Domain:migrate_set_max_speed(bandwidth, options) end

---@class guestlua.MigrateStartPostCopyOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lets the guest run on the other host now, and fetch the rest of its memory from there.
---
---libvirt: `virDomainMigrateStartPostCopy`
---@param options? guestlua.MigrateStartPostCopyOptions
function Domain:migrate_start_post_copy(options) end

---@class guestlua.OpenGraphicsOptions
---@field skip_auth? boolean let it in without the display's password
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Connects an open socket to the guest's display, VNC or SPICE.
---
---libvirt: `virDomainOpenGraphics`
---@param files file|files[] one end of a pair of sockets
---@param index? integer which of the guest's displays, from 0 up; nil: the first
---@param options? guestlua.OpenGraphicsOptions
function Domain:open_graphics(files, index, options) end

---@class guestlua.OpenGraphicsFdOptions
---@field skip_auth? boolean let it in without the display's password
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---A socket that is connected to the guest's display, VNC or SPICE.
---
---libvirt: `virDomainOpenGraphicsFD`
---@param index? integer which of the guest's displays, from 0 up; nil: the first
---@param options? guestlua.OpenGraphicsFdOptions
---@return file*
function Domain:open_graphics_fd(index, options) end

---@class guestlua.PinOptions
---@field live? boolean the running guest
---@field config? boolean its configuration, from the next start on
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lets a processor of the guest run on these of the host's only: pin_vcpu, by a shorter name.
---
---libvirt: `virDomainPinVcpuFlags`
---@param vcpu integer the number of the guest's processor
---@param cpus integer[] the numbers of the host's processors, as {0, 1, 2}
---@param options? guestlua.PinOptions
function Domain:pin(vcpu, cpus, options) end

---@class guestlua.PinEmulatorOptions
---@field live? boolean the running guest
---@field config? boolean its configuration, from the next start on
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lets the emulator itself run on these of the host's processors only.
---
---libvirt: `virDomainPinEmulator`
---@param cpus integer[] the numbers of the host's processors, as {0, 1, 2}
---@param options? guestlua.PinEmulatorOptions
function Domain:pin_emulator(cpus, options) end

---@class guestlua.PinIothreadOptions
---@field live? boolean the running guest
---@field config? boolean its configuration, from the next start on
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lets a thread for the guest's disks run on these of the host's processors only.
---
---libvirt: `virDomainPinIOThread`
---@param iothread_id integer the thread's number
---@param cpus integer[] the numbers of the host's processors, as {0, 1, 2}
---@param options? guestlua.PinIothreadOptions
function Domain:pin_iothread(iothread_id, cpus, options) end

---@class guestlua.PinVcpuOptions
---@field live? boolean the running guest
---@field config? boolean its configuration, from the next start on
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lets a processor of the guest run on these of the host's only.
---
---libvirt: `virDomainPinVcpuFlags`
---@param vcpu integer the number of the guest's processor
---@param cpus integer[] the numbers of the host's processors, as {0, 1, 2}
---@param options? guestlua.PinVcpuOptions
function Domain:pin_vcpu(vcpu, cpus, options) end

---@class guestlua.PmSuspendForDurationOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Has the guest's own system suspend it, for so many seconds (0: until it is woken).
---
---libvirt: `virDomainPMSuspendForDuration`
---@param target string what kind of sleep
---@param duration? integer seconds; 0: until it is woken
---@param options? guestlua.PmSuspendForDurationOptions
function Domain:pm_suspend_for_duration(target, duration, options) end

---Wakes a guest that sleeps.
---
---libvirt: `virDomainPMWakeup`
---@param options? guestlua.PmWakeupOptions
function Domain:pm_wakeup(options) end

---@class guestlua.QemuMonitorCommandOptions
---@field hmp? boolean the command is one for people, as "info status", and not JSON
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sends QEMU's monitor a command: libvirt does not know what it did. For debugging.
---
---libvirt: `virDomainQemuMonitorCommand`
---@param cmd string the command, in JSON
---@param options? guestlua.QemuMonitorCommandOptions
---@return string
function Domain:qemu_monitor_command(cmd, options) end

---@class guestlua.QemuMonitorCommandWithFilesOptions
---@field hmp? boolean the command is one of QEMU's prompt for people
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sends QEMU's monitor a command with open files: libvirt does not know what it did. For debugging.
---
---libvirt: `virDomainQemuMonitorCommandWithFiles`
---@param cmd string the command, in QEMU's JSON
---@param files? file|files[] files for the command; nil: none
---@param options? guestlua.QemuMonitorCommandWithFilesOptions
---@return string reply
---@return file*[] files
function Domain:qemu_monitor_command_with_files(cmd, files, options) end

---@class guestlua.RebootOptions
---@field acpi_power_btn? boolean press its power button
---@field guest_agent? boolean ask its agent
---@field initctl? boolean write to the container's initctl
---@field paravirt? boolean ask its kernel, on Xen
---@field signal? boolean send a signal to the container's init
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Asks the guest to restart, and does not wait until it did. A guest may ignore it.
---
---libvirt: `virDomainReboot`
---@param options? guestlua.RebootOptions
function Domain:reboot(options) end

---@class guestlua.RenameOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Gives the guest another name. The Guest of before keeps the old one: look it up again.
---
---libvirt: `virDomainRename`
---@param new_name string the new name
---@param options? guestlua.RenameOptions
function Domain:rename(new_name, options) end

---@class guestlua.ResetOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Resets the guest at once, as its reset button does: what it had not written is lost.
---
---libvirt: `virDomainReset`
---@param options? guestlua.ResetOptions
function Domain:reset(options) end

---Lets the processors of a paused guest run again.
---
---libvirt: `virDomainResume`
---@param options? guestlua.ResumeOptions
function Domain:resume(options) end

---@class guestlua.SaveOptions
---@field bypass_cache? boolean past the host's cache
---@field paused? boolean it is paused when it goes on
---@field reset_nvram? boolean it goes on with fresh UEFI variables
---@field running? boolean it runs when it goes on
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Saves the guest's memory to a file on its host and stops the guest. host:restore() goes on from there.
---
---libvirt: `virDomainSaveFlags`
---@param to string the file on the host to write
---@param dxml? guestlua.Element|string the configuration to use instead
---@param options? guestlua.SaveOptions
function Domain:save(to, dxml, options) end

---@class guestlua.SaveParamsOptions
---@field bypass_cache? boolean past the host's cache
---@field paused? boolean it is paused when it goes on
---@field reset_nvram? boolean it goes on with fresh UEFI variables
---@field running? boolean it runs when it goes on
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Saves the guest's memory to a file on its host and stops the guest, as the parameters say.
---
---libvirt: `virDomainSaveParams`
---@param params table a table from name to value
---@param options? guestlua.SaveParamsOptions
function Domain:save_params(params, options) end

---@class guestlua.ScreenshotOptions
---@field screen? integer which screen, from 0 up
---@field overwrite? boolean take the place of a file that is there
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Writes what is on the guest's screen into a file of this machine, which is whole or not there.
---
---libvirt: `virDomainScreenshot`
---@param path string the file of this machine, which its owner alone can read
---@param options? guestlua.ScreenshotOptions
---@return string # string: the type of the file, as "image/x-portable-pixmap"
function Domain:screenshot(path, options) end

---@class guestlua.SendKeyOptions
---@field codeset? string the set that the codes are of, default: "linux"
---@field hold? integer how long they are held, in milliseconds, default: 0
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Presses keys of the guest's keyboard, all together.
---
---libvirt: `virDomainSendKey`
---@param keys integer[] the codes of the keys, which are pressed together: Ctrl-Alt-Del is {29, 56, 111}
---@param options? guestlua.SendKeyOptions
function Domain:send_key(keys, options) end

---@class guestlua.SendProcessSignalOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sends a signal to a process in a container.
---
---libvirt: `virDomainSendProcessSignal`
---@param pid_value integer the number of the process
---@param signum string the signal
---@param options? guestlua.SendProcessSignalOptions
function Domain:send_process_signal(pid_value, signum, options) end

---@class guestlua.SetAutostartOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets whether the guest starts with its host.
---
---libvirt: `virDomainSetAutostart`
---@param autostart boolean whether it does
---@param options? guestlua.SetAutostartOptions
function Domain:set_autostart(autostart, options) end

---@class guestlua.SetBlkioParametersOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run: what nothing is said means
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets the limits of all of the guest's disks together.
---
---libvirt: `virDomainSetBlkioParameters`
---@param params table a table from name to value
---@param options? guestlua.SetBlkioParametersOptions
function Domain:set_blkio_parameters(params, options) end

---@class guestlua.SetBlockIoTuneOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run: what nothing is said means
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets the limits of a disk.
---
---libvirt: `virDomainSetBlockIoTune`
---@param disk string the disk's target, as "vda"
---@param params table a table from name to value
---@param options? guestlua.SetBlockIoTuneOptions
function Domain:set_block_io_tune(disk, params, options) end

---@class guestlua.SetBlockThresholdOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets how much of an image may be used before an event says so, in bytes.
---
---libvirt: `virDomainSetBlockThreshold`
---@param dev string the disk, as "vda" or "vda[2]"
---@param threshold integer bytes
---@param options? guestlua.SetBlockThresholdOptions
function Domain:set_block_threshold(dev, threshold, options) end

---@class guestlua.SetGuestVcpusOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Has the guest's own system use processors, or not: cpumap is as "0-3,^2".
---
---libvirt: `virDomainSetGuestVcpus`
---@param cpumap string which, as "0-3,^2"
---@param state boolean whether they are used
---@param options? guestlua.SetGuestVcpusOptions
function Domain:set_guest_vcpus(cpumap, state, options) end

---@class guestlua.SetInterfaceParametersOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run: what nothing is said means
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets the limits of one of the guest's network interfaces.
---
---libvirt: `virDomainSetInterfaceParameters`
---@param device string the interface's name on the host, as "vnet0", or its MAC address
---@param params table a table from name to value
---@param options? guestlua.SetInterfaceParametersOptions
function Domain:set_interface_parameters(device, params, options) end

---@class guestlua.SetIothreadParamsOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run: what nothing is said means
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets how a thread for the guest's disks polls.
---
---libvirt: `virDomainSetIOThreadParams`
---@param iothread_id integer the thread's number
---@param params table a table from name to value
---@param options? guestlua.SetIothreadParamsOptions
function Domain:set_iothread_params(iothread_id, params, options) end

---@class guestlua.SetLaunchSecurityStateOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Gives the encrypted guest a secret before it starts.
---
---libvirt: `virDomainSetLaunchSecurityState`
---@param params table a table from name to value
---@param options? guestlua.SetLaunchSecurityStateOptions
function Domain:set_launch_security_state(params, options) end

---@class guestlua.SetLifecycleActionOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run: what nothing is said means
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets what happens when the guest powers off, reboots or crashes.
---
---libvirt: `virDomainSetLifecycleAction`
---@param type string which of them
---@param action string what happens then
---@param options? guestlua.SetLifecycleActionOptions
function Domain:set_lifecycle_action(type, action, options) end

---@class guestlua.SetMaxMemoryOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets how much memory the guest can have at most, in KiB.
---
---libvirt: `virDomainSetMaxMemory`
---@param memory integer KiB
---@param options? guestlua.SetMaxMemoryOptions
function Domain:set_max_memory(memory, options) end

---@class guestlua.SetMemoryOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run
---@field live? boolean the running guest
---@field maximum? boolean the most that it can have
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets how much memory the guest has, in KiB.
---
---libvirt: `virDomainSetMemoryFlags`
---@param memory integer KiB
---@param options? guestlua.SetMemoryOptions
function Domain:set_memory(memory, options) end

---@class guestlua.DomainSetMemoryParametersOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run: what nothing is said means
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets the limits of the guest's memory.
---
---libvirt: `virDomainSetMemoryParameters`
---@param params table a table from name to value
---@param options? guestlua.DomainSetMemoryParametersOptions
function Domain:set_memory_parameters(params, options) end

---@class guestlua.SetMemoryStatsPeriodOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run
---@field live? boolean the running guest
---@field maximum? boolean the most that it can have
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets how often the guest says how it uses its memory, in seconds.
---
---libvirt: `virDomainSetMemoryStatsPeriod`
---@param period integer seconds; 0: never
---@param options? guestlua.SetMemoryStatsPeriodOptions
function Domain:set_memory_stats_period(period, options) end

---@class guestlua.DomainSetMetadataOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run: what nothing is said means
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets the guest's title, description or an element of its own; nil removes it.
---
---libvirt: `virDomainSetMetadata`
---@param type string which of them
---@param metadata? string the title, the description, or the element; nil removes it
---@param key? string the prefix of the element's name
---@param uri? string the element's namespace
---@param options? guestlua.DomainSetMetadataOptions
function Domain:set_metadata(type, metadata, key, uri, options) end

---@class guestlua.SetNumaParametersOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run: what nothing is said means
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets on which NUMA nodes the guest's memory is.
---
---libvirt: `virDomainSetNumaParameters`
---@param params table a table from name to value
---@param options? guestlua.SetNumaParametersOptions
function Domain:set_numa_parameters(params, options) end

---@class guestlua.SetPerfEventsOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run: what nothing is said means
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets which events of the processors are counted.
---
---libvirt: `virDomainSetPerfEvents`
---@param params table a table from name to value
---@param options? guestlua.SetPerfEventsOptions
function Domain:set_perf_events(params, options) end

---@class guestlua.SetSchedulerParametersOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run: what nothing is said means
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets how much of the host's processors the guest gets.
---
---libvirt: `virDomainSetSchedulerParametersFlags`
---@param params table a table from name to value
---@param options? guestlua.SetSchedulerParametersOptions
function Domain:set_scheduler_parameters(params, options) end

---@class guestlua.SetTimeOptions
---@field sync? boolean take it from the guest's hardware clock
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets the guest's own time.
---
---libvirt: `virDomainSetTime`
---@param seconds integer seconds since 1970
---@param nseconds? integer nanoseconds more
---@param options? guestlua.SetTimeOptions
function Domain:set_time(seconds, nseconds, options) end

---@class guestlua.DomainSetUserPasswordOptions
---@field encrypted? boolean it is a hash, as in /etc/shadow
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets the password of a user in the guest.
---
---libvirt: `virDomainSetUserPassword`
---@param user string the user
---@param password string the new password
---@param options? guestlua.DomainSetUserPasswordOptions
function Domain:set_user_password(user, password, options) end

---@class guestlua.SetVcpuOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run: what nothing is said means
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Plugs processors in, or unplugs them: vcpumap is as "0-3,^2".
---
---libvirt: `virDomainSetVcpu`
---@param vcpumap string which, as "0-3,^2"
---@param state boolean whether they are used
---@param options? guestlua.SetVcpuOptions
function Domain:set_vcpu(vcpumap, state, options) end

---@class guestlua.SetVcpusOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run
---@field guest? boolean what the guest's own system uses, by its agent
---@field hotpluggable? boolean those that can be unplugged while it runs
---@field live? boolean the running guest
---@field maximum? boolean the most that it can have
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets how many processors the guest has.
---
---libvirt: `virDomainSetVcpusFlags`
---@param nvcpus integer how many
---@param options? guestlua.SetVcpusOptions
function Domain:set_vcpus(nvcpus, options) end

---@class guestlua.DomainShutdownOptions
---@field acpi_power_btn? boolean press its power button
---@field guest_agent? boolean ask its agent
---@field initctl? boolean write to the container's initctl
---@field paravirt? boolean ask its kernel, on Xen
---@field signal? boolean send a signal to the container's init
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Asks the guest to shut down, and does not wait until it did.
---
---libvirt: `virDomainShutdownFlags`
---@param options? guestlua.DomainShutdownOptions
function Domain:shutdown(options) end

---@class guestlua.SnapshotCreateXmlOptions
---@field atomic? boolean all disks or none
---@field current? boolean with redefine: it is the current one
---@field disk_only? boolean the disks, without the memory
---@field halt? boolean stop the guest then
---@field live? boolean while its processors run on
---@field no_metadata? boolean libvirt does not remember it
---@field quiesce? boolean freeze the file systems meanwhile; needs the agent
---@field redefine? boolean libvirt learns of one that exists
---@field reuse_ext? boolean the files are there already
---@field validate? boolean check it against libvirt's schema first
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Takes a snapshot, and gives it. guest:snapshot() is the reference's.
---
---libvirt: `virDomainSnapshotCreateXML`
---@param xml_desc guestlua.Element|string an Element or XML text
---@param options? guestlua.SnapshotCreateXmlOptions
---@return guestlua.Snapshot
function Domain:snapshot_create_xml(xml_desc, options) end

---@class guestlua.SnapshotCurrentOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The guest's current snapshot: the one that was taken, or reverted to, last; nil if there is none.
---
---libvirt: `virDomainSnapshotCurrent`
---@param options? guestlua.SnapshotCurrentOptions
---@return guestlua.Snapshot?
function Domain:snapshot_current(options) end

---@class guestlua.SnapshotLookupByNameOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Finds a snapshot of the guest by its name.
---
---libvirt: `virDomainSnapshotLookupByName`
---@param name string its name
---@param options? guestlua.SnapshotLookupByNameOptions
---@return guestlua.Snapshot?
function Domain:snapshot_lookup_by_name(name, options) end

---@class guestlua.SnapshotsOptions
---@field active? boolean true: only those that are active; false: only those that are inactive
---@field descendants? boolean with those after those after it, and so on
---@field disk_only? boolean those without memory of guests that ran
---@field external? boolean those in files of their own
---@field internal? boolean those inside the disks' images
---@field leaves? boolean true: only those that are leaves; false: only those that are no_leaves
---@field metadata? boolean true: only those that are metadata; false: only those that are no_metadata
---@field roots? boolean those that stand on no other
---@field topological? boolean each after the one that it stands on
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the guest's snapshots.
---
---libvirt: `virDomainListAllSnapshots`
---@param options? guestlua.SnapshotsOptions
---@return guestlua.Snapshot[]
function Domain:snapshots(options) end

---@class guestlua.StartDirtyRateCalcOptions
---@field dirty_bitmap? boolean by a bitmap of all pages
---@field dirty_ring? boolean by KVM's ring of written pages
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Measures for so many seconds how fast the guest writes to its memory; get_stats has the result.
---
---libvirt: `virDomainStartDirtyRateCalc`
---@param seconds integer seconds
---@param options? guestlua.StartDirtyRateCalcOptions
function Domain:start_dirty_rate_calc(seconds, options) end

---@class guestlua.DomainStatsOptions
---@field groups? integer|string[] what is asked for, as {"cpu", "block"}; nil: all
---@field nowait? boolean leave out what a guest that is busy does not say at once
---@field backing? boolean of all images of a disk, and not only of the top one
---@field enforce_stats? boolean fail if something cannot be said
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The guest's statistics, all in one call.
---
---libvirt: `virDomainListGetStats`
---@param options? guestlua.DomainStatsOptions
---@return table<string,any> # values by libvirt's names, with a table for each dot in them, as host:stats has it: "block.0.rd.bytes" is block[0].rd.bytes
function Domain:stats(options) end

---@class guestlua.SuspendOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Stops the guest's processors; its memory stays. guest:pause() is the reference's name for it.
---
---libvirt: `virDomainSuspend`
---@param options? guestlua.SuspendOptions
function Domain:suspend(options) end

---@class guestlua.UndefineOptions
---@field checkpoints_metadata? boolean forget its checkpoints
---@field keep_nvram? boolean keep its UEFI variables
---@field keep_tpm? boolean keep the state of its TPM
---@field managed_save? boolean drop its saved memory
---@field nvram? boolean delete its UEFI variables
---@field snapshots_metadata? boolean forget its snapshots
---@field tpm? boolean delete the state of its TPM
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Removes the guest's configuration. guest:delete_configuration() does what the reference does.
---
---libvirt: `virDomainUndefineFlags`
---@param options? guestlua.UndefineOptions
function Domain:undefine(options) end

---@class guestlua.UpdateDeviceOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running guest, or its configuration if it does not run
---@field force? boolean even if the guest does not agree
---@field live? boolean the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Changes a device of the guest: the image in a drive, the network of an interface ...
---
---libvirt: `virDomainUpdateDeviceFlags`
---@param xml guestlua.Element|string an Element or XML text
---@param options? guestlua.UpdateDeviceOptions
function Domain:update_device(xml, options) end

---One disk of a guest, and the job that runs on it: guest:get_block_device makes one. Keep it from the start of a job to its end: await_job receives the events of jobs started on the same object.
---@class guestlua.BlockDevice: userdata
---@field guest guestlua.Guest The guest of the disk.
---@field name string The name passed to get_block_device.
local BlockDevice = {}

---@class guestlua.BlockDeviceAbortJobOptions
---@field async? boolean request the end, and do not wait for it
---@field pivot? boolean end a ready copy or active commit by switching the guest to the new image
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Ends the job on the disk.
---
---libvirt: `virDomainBlockJobAbort`
---@param options? guestlua.BlockDeviceAbortJobOptions
function BlockDevice:abort_job(options) end

---@class guestlua.AwaitJobOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, and the job goes on
---@field on_progress? function called with get_job_info() every half second, and when the job is ready

---Waits until the job on the disk has ended, or is ready for abort_job{pivot=true}. Driven by libvirt's events; libvirt is asked now and then, in case one was lost. An unknown end is reported as "unknown", never as success. If the wait is interrupted (Ctrl-C) or cancelled the job is aborted; after a timeout it goes on.
---@param options? guestlua.AwaitJobOptions
---@return "completed"|"ready"|"failed"|"canceled"|"unknown" outcome
---@return string? reason
function BlockDevice:await_job(options) end

---The disk's I/O counters since the guest started.
---
---libvirt: `virDomainBlockStats`
---@param options? guestlua.BlockStatsOptions
---@return integer rd_req
---@return integer rd_bytes
---@return integer wr_req
---@return integer wr_bytes
---@return integer errs
function BlockDevice:blockStats(options) end

---The disk's I/O counters since the guest started.
---
---libvirt: `virDomainBlockStats`
---@param options? guestlua.BlockStatsOptions
---@return integer rd_req
---@return integer rd_bytes
---@return integer wr_req
---@return integer wr_bytes
---@return integer errs
function BlockDevice:block_stats(options) end

---@class guestlua.CommitOptions
---@field relative? boolean keep the backing chain referenced by relative names
---@field active? boolean merge the image that the guest writes to: the job becomes ready and continues until abort_job{pivot=true}
---@field shallow? boolean base nil: merge into the image right below `top`
---@field delete? boolean delete the images that were merged
---@field bandwidth? integer MiB/s at most; 0: no limit
---@field bandwidth_bytes? boolean bandwidth is in bytes/s (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Starts merging images of the disk's backing chain downwards. disk:await_job() waits for the end.
---
---libvirt: `virDomainBlockCommit`
---@param base? string the image to merge into, a path or "vda[1]"; nil: the bottom of the chain
---@param top? string the topmost image to merge; nil: the active one, which needs `active`
---@param options? guestlua.CommitOptions
---@return integer
function BlockDevice:commit(base, top, options) end

---@class guestlua.CopyOptions
---@field shallow? boolean copy only the top of the chain
---@field reuse_ext? boolean the destination's file exists already
---@field transient? boolean allowed for a persistent guest too; the job is lost when the guest stops
---@field synchronous_writes? boolean what the guest writes goes to both at once, so that the copy gets ready however much that is (not in the reference)
---@field bandwidth? integer MiB/s at most; 0: no limit
---@field granularity? integer bytes that are copied again if one of them was written, a power of 2 (not in the reference)
---@field buf_size? integer bytes that may be under way at once (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Starts copying the disk elsewhere. The job becomes ready and continues until abort_job: with pivot the guest switches to the copy.
---
---libvirt: `virDomainBlockCopy`
---@param dest_xml guestlua.Element|string the destination, a <disk> element
---@param options? guestlua.CopyOptions
---@return integer
function BlockDevice:copy(dest_xml, options) end

---@class guestlua.BlockDeviceGetBlockInfoResult
---@field capacity integer bytes that the guest sees
---@field allocation integer bytes that are written
---@field physical integer bytes that its image takes

---The disk's size. Not in the reference.
---
---libvirt: `virDomainGetBlockInfo`
---@param options? guestlua.GetBlockInfoOptions
---@return guestlua.BlockDeviceGetBlockInfoResult
function BlockDevice:get_block_info(options) end

---@class guestlua.BlockDeviceGetJobInfoResult
---@field job_type string libvirt's word: "pull", "copy", "commit", "active_commit" …
---@field job integer its number, as the reference has it
---@field bandwidth integer the limit of its speed in MiB/s, or in bytes/s with bandwidth_bytes; 0: none
---@field cur integer how far it is, in a unit of its own
---@field end integer how far it has to come
---@field end_ integer the same: `info.end` cannot be written in Lua

---@class guestlua.BlockDeviceGetJobInfoOptions
---@field bandwidth_bytes? boolean bandwidth is in bytes/s (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Progress of the job on the disk. cur == end does not mean that it is ready: see is_job_complete and await_job.
---
---libvirt: `virDomainGetBlockJobInfo`
---@param options? guestlua.BlockDeviceGetJobInfoOptions
---@return guestlua.BlockDeviceGetJobInfoResult?
function BlockDevice:get_job_info(options) end

---@class guestlua.IsJobCompleteOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Whether the disk has no job (any more), or a job with a mirror ready for the pivot. It does not wait, and cannot tell success from failure; await_job does both.
---
---libvirt: `virDomainGetBlockJobInfo`
---@param options? guestlua.IsJobCompleteOptions
---@return boolean # boolean: true means finished
function BlockDevice:is_job_complete(options) end

---The subscription that await_job waits on: the guest's events "block_job_2" since just before the start of the last job.
---@return guestlua.Subscription? # Subscription; nil if no job was started on this object, or await_job has seen its end
function BlockDevice:job_events() end

---@class guestlua.RebaseOptions
---@field shallow? boolean copy only the top of the chain
---@field reuse_ext? boolean the destination's file exists already
---@field copy? boolean start a copy to `base`
---@field relative? boolean keep the backing chain referenced by relative names
---@field copy_dev? boolean the destination is a block device
---@field copy_raw? boolean with copy: the new image is raw (not in the reference)
---@field bandwidth? integer MiB/s at most; 0: no limit
---@field bandwidth_bytes? boolean bandwidth is in bytes/s (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Starts pulling data from the backing chain into the disk's image, or, with `copy`, copying the disk. disk:await_job() waits for the end. After a pull keep the images that were below until the guest has flushed the disk: QEMU has not written all before.
---
---libvirt: `virDomainBlockRebase`
---@param base? string the image that becomes the backing file, or the destination with `copy`; nil: pull everything
---@param options? guestlua.RebaseOptions
---@return integer
function BlockDevice:rebase(base, options) end

---@class guestlua.ResizeOptions
---@field shrink? boolean allow a smaller size, which loses the data behind the new end; default: false, and a smaller size is refused (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Changes the size of the disk while the guest runs. Partitions and file systems on it are to be grown in the guest afterwards, or shrunk before. The size is compared with virDomainGetBlockInfo's.
---
---libvirt: `virDomainBlockResize`
---@param size integer the new size in bytes
---@param options? guestlua.ResizeOptions
function BlockDevice:resize(size, options) end

---@class guestlua.WaitForJobOptions
---@field abort_on_error? boolean accepted for compatibility with the reference: an error is raised in any case
---@field wait_for_job_clean? boolean count the job as running until libvirt has cleaned up
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The reference's older check. Despite its name it does not wait: true means that the job still runs. await_job waits.
---
---libvirt: `virDomainGetBlockJobInfo`
---@param options? guestlua.WaitForJobOptions
---@return boolean # boolean: true means still running
function BlockDevice:wait_for_job(options) end

---A snapshot of a guest: guest:snapshots() lists them.
---@class guestlua.Snapshot: userdata
---@field guest guestlua.Guest The guest that it is of.
---@field host guestlua.Host The connection that it was found on.
---@field name string The name that it is known by.
local Snapshot = {}

---@class guestlua.ChildrenOptions
---@field active? boolean true: only those that are active; false: only those that are inactive
---@field descendants? boolean with those after those after it, and so on
---@field disk_only? boolean those without memory of guests that ran
---@field external? boolean those in files of their own
---@field internal? boolean those inside the disks' images
---@field leaves? boolean true: only those that are leaves; false: only those that are no_leaves
---@field metadata? boolean true: only those that are metadata; false: only those that are no_metadata
---@field roots? boolean those that stand on no other
---@field topological? boolean each after the one that it stands on
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the snapshots that were taken after this one.
---
---libvirt: `virDomainSnapshotListAllChildren`
---@param options? guestlua.ChildrenOptions
---@return guestlua.Snapshot[]
function Snapshot:children(options) end

---Lets go of it before the garbage collector does; what it stands for is not touched. Closing twice is harmless.
function Snapshot:close() end

---@class guestlua.DeleteOptions
---@field children? boolean with all that were taken after it
---@field children_only? boolean only those that were taken after it
---@field metadata_only? boolean forget it; what it saved stays
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Deletes the snapshot; children: with all that were taken after it.
---
---libvirt: `virDomainSnapshotDelete`
---@param options? guestlua.DeleteOptions
function Snapshot:delete(options) end

---@class guestlua.SnapshotGetInfoResult
---@field created integer when it was taken, in seconds as those of os.time()
---@field state string what the guest did then, for example "running" or "shutoff"
---@field description string? what it is for
---@field parent string? the name of the one before it
---@field memory string? where the guest's memory is: "internal", in a disk's image, or "external", in a file
---@field external boolean a disk's content is in the image that it had, and the guest writes to another one since
---@field disks table by target: "internal" or "external"

---What the snapshot is: when it was taken, and of what. Its XML, snapshot:get_xml_desc(), has all there is.
---@param options? guestlua.GetInfoOptions
---@return guestlua.SnapshotGetInfoResult
function Snapshot:get_info(options) end

---@class guestlua.GetParentOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The snapshot that this one was taken after; nil if there is none.
---
---libvirt: `virDomainSnapshotGetParent`
---@param options? guestlua.GetParentOptions
---@return guestlua.Snapshot?
function Snapshot:get_parent(options) end

---@class guestlua.SnapshotGetXmlDescOptions
---@field secure? boolean with passwords in it
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The snapshot's description, as XML.
---
---libvirt: `virDomainSnapshotGetXMLDesc`
---@param options? guestlua.SnapshotGetXmlDescOptions
---@return string
function Snapshot:get_xml_desc(options) end

---@class guestlua.HasMetadataOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Whether libvirt remembers the snapshot by itself, and not only the hypervisor.
---
---libvirt: `virDomainSnapshotHasMetadata`
---@param options? guestlua.HasMetadataOptions
---@return boolean
function Snapshot:has_metadata(options) end

---@class guestlua.IsCurrentOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Whether it is the guest's current snapshot: the one that was taken, or reverted to, last.
---
---libvirt: `virDomainSnapshotIsCurrent`
---@param options? guestlua.IsCurrentOptions
---@return boolean
function Snapshot:is_current(options) end

---@class guestlua.ListAllChildrenOptions
---@field active? boolean those of guests that ran
---@field descendants? boolean with those after those after it, and so on
---@field disk_only? boolean those without memory of guests that ran
---@field external? boolean those in files of their own
---@field inactive? boolean those of guests that were off
---@field internal? boolean those inside the disks' images
---@field leaves? boolean those that no other stands on
---@field metadata? boolean those that libvirt remembers
---@field no_leaves? boolean those that another stands on
---@field no_metadata? boolean those that libvirt does not remember
---@field roots? boolean those that stand on no other
---@field topological? boolean each after the one that it stands on
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the snapshots that were taken after this one. snapshot:children() is the same.
---
---libvirt: `virDomainSnapshotListAllChildren`
---@param options? guestlua.ListAllChildrenOptions
---@return guestlua.Snapshot[]
function Snapshot:list_all_children(options) end

---@class guestlua.RevertOptions
---@field force? boolean even if that may lose more than is said
---@field paused? boolean it is paused afterwards
---@field reset_nvram? boolean reset the UEFI variables
---@field running? boolean it runs afterwards
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Puts the guest back into the state of the snapshot.
---
---libvirt: `virDomainRevertToSnapshot`
---@param options? guestlua.RevertOptions
function Snapshot:revert(options) end

---A checkpoint of a guest, from which on its changes are known: guest:checkpoints() lists them.
---@class guestlua.Checkpoint: userdata
---@field guest guestlua.Guest The guest that it is of.
---@field host guestlua.Host The connection that it was found on.
---@field name string The name that it is known by.
local Checkpoint = {}

---@class guestlua.CheckpointChildrenOptions
---@field descendants? boolean with those after those after it, and so on
---@field leaves? boolean true: only those that are leaves; false: only those that are no_leaves
---@field roots? boolean those that stand on no other
---@field topological? boolean each after the one that it stands on
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the checkpoints that were made after this one.
---
---libvirt: `virDomainCheckpointListAllChildren`
---@param options? guestlua.CheckpointChildrenOptions
---@return guestlua.Checkpoint[]
function Checkpoint:children(options) end

---Lets go of it before the garbage collector does; what it stands for is not touched. Closing twice is harmless.
function Checkpoint:close() end

---@class guestlua.CheckpointDeleteOptions
---@field children? boolean with all that were made after it
---@field children_only? boolean only those that were made after it
---@field metadata_only? boolean forget it; the images keep their bitmaps
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Deletes the checkpoint, and merges its bitmap into the one before.
---
---libvirt: `virDomainCheckpointDelete`
---@param options? guestlua.CheckpointDeleteOptions
function Checkpoint:delete(options) end

---The checkpoint that this one was made after; nil if there is none.
---
---libvirt: `virDomainCheckpointGetParent`
---@param options? guestlua.GetParentOptions
---@return guestlua.Checkpoint?
function Checkpoint:get_parent(options) end

---@class guestlua.CheckpointGetXmlDescOptions
---@field no_domain? boolean without the guest's configuration
---@field secure? boolean with passwords in it
---@field size? boolean with how much has changed since; the guest must run
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The checkpoint's description, as XML.
---
---libvirt: `virDomainCheckpointGetXMLDesc`
---@param options? guestlua.CheckpointGetXmlDescOptions
---@return string
function Checkpoint:get_xml_desc(options) end

---@class guestlua.CheckpointListAllChildrenOptions
---@field descendants? boolean with those after those after it, and so on
---@field leaves? boolean those that no other stands on
---@field no_leaves? boolean those that another stands on
---@field roots? boolean those that stand on no other
---@field topological? boolean each after the one that it stands on
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the checkpoints that were made after this one. checkpoint:children() is the same.
---
---libvirt: `virDomainCheckpointListAllChildren`
---@param options? guestlua.CheckpointListAllChildrenOptions
---@return guestlua.Checkpoint[]
function Checkpoint:list_all_children(options) end

---A virtual network: host:network and host:networks make one.
---@class guestlua.Network: userdata
---@field host guestlua.Host The connection that it was found on.
---@field name string The name that it is known by.
---@field uuid string Its UUID, 36 characters.
local Network = {}

---Lets go of it before the garbage collector does; what it stands for is not touched. Closing twice is harmless.
function Network:close() end

---@class guestlua.NetworkCreateOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Starts the network.
---
---libvirt: `virNetworkCreate`
---@param options? guestlua.NetworkCreateOptions
function Network:create(options) end

---@class guestlua.NetworkDestroyOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Stops the network at once. A transient one is gone then.
---
---libvirt: `virNetworkDestroy`
---@param options? guestlua.NetworkDestroyOptions
function Network:destroy(options) end

---@class guestlua.NetworkEventsOptions
---@field match? function called with each such event: returns whether it counts; default: all do
---@field timeout? number seconds for the whole loop; default: no limit

---For a loop: for event in object:events({name, another}, {timeout=60}) do. Receives the named events from this call on, until the loop is left or the time is over. Events dropped because nobody fetched them are reported as an event "lost" with their count. Names and options may stand in one table: object:events{name, another, timeout=60}.
---@param names string|table an event's name, or a list of them
---@param options? guestlua.NetworkEventsOptions
---@return fun(): table
function Network:events(names, options) end

---Whether the network starts with the host.
---
---libvirt: `virNetworkGetAutostart`
---@param options? guestlua.GetAutostartOptions
---@return boolean
function Network:get_autostart(options) end

---@class guestlua.GetBridgeNameOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The name of the bridge that the guests are on.
---
---libvirt: `virNetworkGetBridgeName`
---@param options? guestlua.GetBridgeNameOptions
---@return string
function Network:get_bridge_name(options) end

---@class guestlua.GetDhcpLeasesResult
---@field iface string the network's interface
---@field expirytime integer seconds since 1970
---@field type string "ipv4" or "ipv6"
---@field mac string? who has it
---@field iaid string? of IPv6, the client's number for it
---@field ipaddr string the address
---@field prefix integer bits of the network
---@field hostname string? as the client calls itself
---@field clientid string? as the client says

---@class guestlua.GetDhcpLeasesOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The addresses that the network has lent. network:leases() is the same.
---
---libvirt: `virNetworkGetDHCPLeases`
---@param mac? string of this MAC address only; nil: all
---@param options? guestlua.GetDhcpLeasesOptions
---@return guestlua.GetDhcpLeasesResult[]
function Network:get_dhcp_leases(mac, options) end

---@class guestlua.NetworkGetXmlDescOptions
---@field inactive? boolean what it is at its next start
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The network's configuration, as XML.
---
---libvirt: `virNetworkGetXMLDesc`
---@param options? guestlua.NetworkGetXmlDescOptions
---@return string
function Network:get_xml_desc(options) end

---Whether the network runs.
---
---libvirt: `virNetworkIsActive`
---@param options? guestlua.IsActiveOptions
---@return boolean
function Network:is_active(options) end

---Whether the host keeps the network's configuration when it stops.
---
---libvirt: `virNetworkIsPersistent`
---@param options? guestlua.IsPersistentOptions
---@return boolean
function Network:is_persistent(options) end

---@class guestlua.LeasesResult
---@field iface string the network's interface
---@field expirytime integer seconds since 1970
---@field type string "ipv4" or "ipv6"
---@field mac string? who has it
---@field iaid string? of IPv6, the client's number for it
---@field ipaddr string the address
---@field prefix integer bits of the network
---@field hostname string? as the client calls itself
---@field clientid string? as the client says

---@class guestlua.LeasesOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The addresses that the network has lent.
---
---libvirt: `virNetworkGetDHCPLeases`
---@param mac? string of this MAC address only; nil: all
---@param options? guestlua.LeasesOptions
---@return guestlua.LeasesResult[]
function Network:leases(mac, options) end

---@class guestlua.ListAllPortsOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the network's ports.
---
---libvirt: `virNetworkListAllPorts`
---@param options? guestlua.ListAllPortsOptions
---@return guestlua.NetworkPort[]
function Network:list_all_ports(options) end

---@class guestlua.NetworkOnOptions
---@field match? function called with each such event: returns whether it counts; default: all do
---@field timeout? number seconds after which no more events are handled; default: no limit

---Calls fn(event) for each such event from now on, one after the other, in its own task. An error in fn is written to standard error, and the next event is still handled. The script still ends with its last line, and its handlers with it; guestlua.serve() keeps it running for them.
---@param names string|table an event's name, or a list of them
---@param fn function called with each event
---@param options? guestlua.NetworkOnOptions
---@return guestlua.Subscription # a Subscription: its close() ends it, and so does closing the connection
function Network:on(names, fn, options) end

---@class guestlua.PortCreateXmlOptions
---@field reclaim? boolean one that was there before
---@field validate? boolean check it against libvirt's schema first
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Makes a port of the network.
---
---libvirt: `virNetworkPortCreateXML`
---@param xmldesc guestlua.Element|string an Element or XML text
---@param options? guestlua.PortCreateXmlOptions
---@return guestlua.NetworkPort
function Network:port_create_xml(xmldesc, options) end

---@class guestlua.PortLookupByUuidStringOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Finds a port by its UUID.
---
---libvirt: `virNetworkPortLookupByUUIDString`
---@param uuidstr string its UUID
---@param options? guestlua.PortLookupByUuidStringOptions
---@return guestlua.NetworkPort?
function Network:port_lookup_by_uuid_string(uuidstr, options) end

---@class guestlua.PortsOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the network's ports.
---
---libvirt: `virNetworkListAllPorts`
---@param options? guestlua.PortsOptions
---@return guestlua.NetworkPort[]
function Network:ports(options) end

---@class guestlua.RemoveDhcpHostOptions
---@field mac? string the machine's MAC address
---@field ip? string the address that it gets
---@field name? string its host name
---@field live? boolean in the running network; default: if it runs
---@field config? boolean in its configuration, for its next start; default: if it has one
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Takes a machine's address out of the running network and its configuration. It is known by its MAC address, its address or its name.
---@param options? guestlua.RemoveDhcpHostOptions
---@return boolean # whether it was there
function Network:remove_dhcp_host(options) end

---Sets whether the network starts with the host.
---
---libvirt: `virNetworkSetAutostart`
---@param autostart boolean whether it does
---@param options? guestlua.SetAutostartOptions
function Network:set_autostart(autostart, options) end

---@class guestlua.SetDhcpHostOptions
---@field mac? string the machine's MAC address
---@field ip? string the address that it gets
---@field name? string its host name
---@field live? boolean in the running network; default: if it runs
---@field config? boolean in its configuration, for its next start; default: if it has one
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sees to it that a machine gets this address, in the running network and in its configuration. One that the network knows by its MAC address, or without one by its name, is changed. A machine has the new address when it asks again.
---@param options? guestlua.SetDhcpHostOptions
---@return boolean # whether something was changed
function Network:set_dhcp_host(options) end

---@class guestlua.NetworkSubscribeOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Subscribes to events of one or more kinds. Subscribe before the call that causes an event, or it may be missed.
---
---libvirt: `virConnectNetworkEventRegisterAny`
---@param events integer|string[] an event's name, or a list of them
---@param options? guestlua.NetworkSubscribeOptions
---@return guestlua.Subscription # a Subscription: each call of its next(timeout) returns the next event
function Network:subscribe(events, options) end

---@class guestlua.NetworkUndefineOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Removes the network's configuration. One that runs goes on until it stops.
---
---libvirt: `virNetworkUndefine`
---@param options? guestlua.NetworkUndefineOptions
function Network:undefine(options) end

---@class guestlua.UpdateOptions
---@field config? boolean its configuration, from the next start on
---@field current? boolean the running network, or its configuration if it does not run
---@field live? boolean the running network
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Changes a part of the network while it runs: a host, a range of addresses, a DNS name.
---
---libvirt: `virNetworkUpdate`
---@param command string what to do with the part
---@param section string which part
---@param parent_index integer in which of several; -1: any
---@param xml guestlua.Element|string an Element or XML text
---@param options? guestlua.UpdateOptions
function Network:update(command, section, parent_index, xml, options) end

---@class guestlua.NetworkWaitEventOptions
---@field match? function called with each such event: returns whether it counts; default: all do
---@field timeout? number seconds to wait at most; default: no limit

---Waits for an event of one of the names. If a call causes the event, subscribe before the call and wait on the Subscription instead: an earlier event is missed.
---@param names string|table an event's name, or a list of them
---@param options? guestlua.NetworkWaitEventOptions
---@return table # the event; an error of kind "timeout" if none came in time
function Network:wait_event(names, options) end

---A port of a virtual network: network:ports() lists them.
---@class guestlua.NetworkPort: userdata
---@field host guestlua.Host The connection that it was found on.
---@field network guestlua.Network The network that it is of.
---@field uuid string Its UUID, 36 characters.
local NetworkPort = {}

---Lets go of it before the garbage collector does; what it stands for is not touched. Closing twice is harmless.
function NetworkPort:close() end

---@class guestlua.NetworkPortDeleteOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Removes the port.
---
---libvirt: `virNetworkPortDelete`
---@param options? guestlua.NetworkPortDeleteOptions
function NetworkPort:delete(options) end

---@class guestlua.GetParametersOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The limits of the port's bandwidth.
---
---libvirt: `virNetworkPortGetParameters`
---@param options? guestlua.GetParametersOptions
---@return table<string,any> # values by libvirt's names
function NetworkPort:get_parameters(options) end

---@class guestlua.NetworkPortGetXmlDescOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The port's configuration, as XML.
---
---libvirt: `virNetworkPortGetXMLDesc`
---@param options? guestlua.NetworkPortGetXmlDescOptions
---@return string
function NetworkPort:get_xml_desc(options) end

---@class guestlua.SetParametersOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets the limits of the port's bandwidth.
---
---libvirt: `virNetworkPortSetParameters`
---@param params table a table from name to value
---@param options? guestlua.SetParametersOptions
function NetworkPort:set_parameters(params, options) end

---A storage pool: host:pool and host:pools make one.
---@class guestlua.StoragePool: userdata
---@field host guestlua.Host The connection that it was found on.
---@field name string The name that it is known by.
---@field uuid string Its UUID, 36 characters.
local StoragePool = {}

---@class guestlua.BuildOptions
---@field no_overwrite? boolean if nothing is there
---@field overwrite? boolean over what is there
---@field repair? boolean mend what is there
---@field resize? boolean change the size of what is there
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Makes what the pool stands on: its directory, its file system, its volume group.
---
---libvirt: `virStoragePoolBuild`
---@param options? guestlua.BuildOptions
function StoragePool:build(options) end

---Lets go of it before the garbage collector does; what it stands for is not touched. Closing twice is harmless.
function StoragePool:close() end

---@class guestlua.StoragePoolCreateOptions
---@field with_build? boolean build it first
---@field with_build_no_overwrite? boolean build it first, if nothing is there
---@field with_build_overwrite? boolean build it first, over what is there
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Starts the pool.
---
---libvirt: `virStoragePoolCreate`
---@param options? guestlua.StoragePoolCreateOptions
function StoragePool:create(options) end

---@class guestlua.CreateVolumeOptions
---@field name? string its name; required
---@field capacity? integer its size for the guest, in bytes; required
---@field allocation? integer how much of that to allocate at once, in bytes; default: the pool's choice
---@field format? string for example "qcow2" or "raw"; default: the pool's
---@field backing? any the backing image: a path, or a StorageVol
---@field backing_format? string the backing image's format; required with backing, because it must not be guessed from data that a guest wrote
---@field prealloc_metadata? boolean allocate the image's metadata at once
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Makes a volume: pool:create_volume{ name = "web.qcow2", capacity = 10 << 30, format = "qcow2" }.
---@param options? guestlua.CreateVolumeOptions
---@return guestlua.StorageVol
function StoragePool:create_volume(options) end

---@class guestlua.StoragePoolCreateXmlOptions
---@field prealloc_metadata? boolean make the tables of the whole image at once
---@field reflink? boolean share the blocks, on file systems that can
---@field validate? boolean check it against libvirt's schema first
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Makes a volume. pool:create_volume{} writes the XML for the usual ones.
---
---libvirt: `virStorageVolCreateXML`
---@param xml_desc guestlua.Element|string an Element or XML text
---@param options? guestlua.StoragePoolCreateXmlOptions
---@return guestlua.StorageVol
function StoragePool:create_xml(xml_desc, options) end

---@class guestlua.CreateXmlFromOptions
---@field prealloc_metadata? boolean make the tables of the whole image at once
---@field reflink? boolean share the blocks, on file systems that can
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Makes a volume with the contents of another one, which may be of another pool. volume:clone{} writes the XML.
---
---libvirt: `virStorageVolCreateXMLFrom`
---@param xml guestlua.Element|string the new volume, a <volume> element
---@param volume guestlua.StorageVol the volume that it is a copy of
---@param options? guestlua.CreateXmlFromOptions
---@return guestlua.StorageVol
function StoragePool:create_xml_from(xml, volume, options) end

---@class guestlua.StoragePoolDeleteOptions
---@field zeroed? boolean overwrite it with zeros first
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Deletes what the pool stands on, with all that is stored in it.
---
---libvirt: `virStoragePoolDelete`
---@param options? guestlua.StoragePoolDeleteOptions
function StoragePool:delete(options) end

---@class guestlua.StoragePoolDestroyOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Stops the pool; what is stored in it stays. A transient one is gone then.
---
---libvirt: `virStoragePoolDestroy`
---@param options? guestlua.StoragePoolDestroyOptions
function StoragePool:destroy(options) end

---@class guestlua.StoragePoolEventsOptions
---@field match? function called with each such event: returns whether it counts; default: all do
---@field timeout? number seconds for the whole loop; default: no limit

---For a loop: for event in object:events({name, another}, {timeout=60}) do. Receives the named events from this call on, until the loop is left or the time is over. Events dropped because nobody fetched them are reported as an event "lost" with their count. Names and options may stand in one table: object:events{name, another, timeout=60}.
---@param names string|table an event's name, or a list of them
---@param options? guestlua.StoragePoolEventsOptions
---@return fun(): table
function StoragePool:events(names, options) end

---Whether the pool starts with the host.
---
---libvirt: `virStoragePoolGetAutostart`
---@param options? guestlua.GetAutostartOptions
---@return boolean
function StoragePool:get_autostart(options) end

---@class guestlua.StoragePoolGetInfoResult
---@field state string virStoragePoolState flags
---@field capacity integer Logical size bytes
---@field allocation integer Current allocation bytes
---@field available integer Remaining free space bytes

---The pool's state, and how much is stored in it.
---
---libvirt: `virStoragePoolGetInfo`
---@param options? guestlua.GetInfoOptions
---@return guestlua.StoragePoolGetInfoResult
function StoragePool:get_info(options) end

---@class guestlua.StoragePoolGetXmlDescOptions
---@field inactive? boolean what it is at its next start
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The pool's configuration, as XML.
---
---libvirt: `virStoragePoolGetXMLDesc`
---@param options? guestlua.StoragePoolGetXmlDescOptions
---@return string
function StoragePool:get_xml_desc(options) end

---Whether the pool runs.
---
---libvirt: `virStoragePoolIsActive`
---@param options? guestlua.IsActiveOptions
---@return boolean
function StoragePool:is_active(options) end

---Whether the host keeps the pool's configuration when it stops.
---
---libvirt: `virStoragePoolIsPersistent`
---@param options? guestlua.IsPersistentOptions
---@return boolean
function StoragePool:is_persistent(options) end

---@class guestlua.ListAllVolumesOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the pool's volumes. pool:volumes() is the same.
---
---libvirt: `virStoragePoolListAllVolumes`
---@param options? guestlua.ListAllVolumesOptions
---@return guestlua.StorageVol[]
function StoragePool:list_all_volumes(options) end

---@class guestlua.StoragePoolOnOptions
---@field match? function called with each such event: returns whether it counts; default: all do
---@field timeout? number seconds after which no more events are handled; default: no limit

---Calls fn(event) for each such event from now on, one after the other, in its own task. An error in fn is written to standard error, and the next event is still handled. The script still ends with its last line, and its handlers with it; guestlua.serve() keeps it running for them.
---@param names string|table an event's name, or a list of them
---@param fn function called with each event
---@param options? guestlua.StoragePoolOnOptions
---@return guestlua.Subscription # a Subscription: its close() ends it, and so does closing the connection
function StoragePool:on(names, fn, options) end

---@class guestlua.RefreshOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Looks which volumes the pool has now.
---
---libvirt: `virStoragePoolRefresh`
---@param options? guestlua.RefreshOptions
function StoragePool:refresh(options) end

---Sets whether the pool starts with the host.
---
---libvirt: `virStoragePoolSetAutostart`
---@param autostart boolean whether it does
---@param options? guestlua.SetAutostartOptions
function StoragePool:set_autostart(autostart, options) end

---@class guestlua.StorageVolLookupByNameOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Finds a volume of the pool by its name. pool:volume(name) is the same.
---
---libvirt: `virStorageVolLookupByName`
---@param name string its name
---@param options? guestlua.StorageVolLookupByNameOptions
---@return guestlua.StorageVol?
function StoragePool:storage_vol_lookup_by_name(name, options) end

---@class guestlua.StoragePoolSubscribeOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Subscribes to events of one or more kinds. Subscribe before the call that causes an event, or it may be missed.
---
---libvirt: `virConnectStoragePoolEventRegisterAny`
---@param events integer|string[] an event's name, or a list of them
---@param options? guestlua.StoragePoolSubscribeOptions
---@return guestlua.Subscription # a Subscription: each call of its next(timeout) returns the next event
function StoragePool:subscribe(events, options) end

---@class guestlua.StoragePoolUndefineOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Removes the pool's configuration. It must be stopped; what is stored in it stays.
---
---libvirt: `virStoragePoolUndefine`
---@param options? guestlua.StoragePoolUndefineOptions
function StoragePool:undefine(options) end

---@class guestlua.StoragePoolVolumeOptions
---@field required? boolean raise an error of kind "no_storage_vol" if there is none
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Looks up the pool's volume of that name.
---@param name string the volume's name
---@param options? guestlua.StoragePoolVolumeOptions
---@return guestlua.StorageVol? # StorageVol, or nil if there is none
function StoragePool:volume(name, options) end

---@class guestlua.VolumesOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the pool's volumes.
---
---libvirt: `virStoragePoolListAllVolumes`
---@param options? guestlua.VolumesOptions
---@return guestlua.StorageVol[]
function StoragePool:volumes(options) end

---@class guestlua.StoragePoolWaitEventOptions
---@field match? function called with each such event: returns whether it counts; default: all do
---@field timeout? number seconds to wait at most; default: no limit

---Waits for an event of one of the names. If a call causes the event, subscribe before the call and wait on the Subscription instead: an earlier event is missed.
---@param names string|table an event's name, or a list of them
---@param options? guestlua.StoragePoolWaitEventOptions
---@return table # the event; an error of kind "timeout" if none came in time
function StoragePool:wait_event(names, options) end

---A volume of a storage pool: pool:volume, pool:volumes and pool:create_volume make one.
---@class guestlua.StorageVol: userdata
---@field host guestlua.Host The connection that it was found on.
---@field key string The volume's key, which no other volume has; often its path.
---@field name string The name that it is known by.
---@field pool guestlua.StoragePool? The pool that it was found in; nil if it was found on the Host.
local StorageVol = {}

---@class guestlua.CloneOptions
---@field pool? guestlua.StoragePool the new volume's pool; default: this one's
---@field format? string another format, for example "raw"
---@field reflink? boolean share the blocks, if the file system can
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Makes another volume with the same contents, format and capacity.
---@param name string the name of the new one
---@param options? guestlua.CloneOptions
---@return guestlua.StorageVol
function StorageVol:clone(name, options) end

---Lets go of it before the garbage collector does; what it stands for is not touched. Closing twice is harmless.
function StorageVol:close() end

---@class guestlua.StorageVolDeleteOptions
---@field with_snapshots? boolean and its snapshots
---@field zeroed? boolean overwrite it with zeros first
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Deletes the volume and what is stored in it.
---
---libvirt: `virStorageVolDelete`
---@param options? guestlua.StorageVolDeleteOptions
function StorageVol:delete(options) end

---@class guestlua.DownloadOptions
---@field offset? integer where in the volume to begin, in bytes
---@field length? integer how many bytes at most; 0, the default: all
---@field plain? boolean send holes as zeros; they are made holes again by default, if the driver can
---@field overwrite? boolean take the place of a file that is there
---@field on_progress? function called each half second with {cur=, ["end"]=}, in bytes; an error in it ends the transfer
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Copies what is stored in the volume into a file of this machine, which is whole or not there.
---
---libvirt: `virStorageVolDownload`
---@param path string the file of this machine, which its owner alone can read
---@param options? guestlua.DownloadOptions
function StorageVol:download(path, options) end

---@class guestlua.StorageVolGetInfoResult
---@field type string virStorageVolType flags
---@field capacity integer Logical size bytes
---@field allocation integer Current allocation bytes

---@class guestlua.StorageVolGetInfoOptions
---@field get_physical? boolean allocation is the size of the file
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The volume's kind, and how large it is.
---
---libvirt: `virStorageVolGetInfoFlags`
---@param options? guestlua.StorageVolGetInfoOptions
---@return guestlua.StorageVolGetInfoResult
function StorageVol:get_info(options) end

---@class guestlua.GetPathOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Where the volume is on its host, as a guest's disk names it.
---
---libvirt: `virStorageVolGetPath`
---@param options? guestlua.GetPathOptions
---@return string
function StorageVol:get_path(options) end

---@class guestlua.StorageVolGetXmlDescOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The volume's description, as XML.
---
---libvirt: `virStorageVolGetXMLDesc`
---@param options? guestlua.StorageVolGetXmlDescOptions
---@return string
function StorageVol:get_xml_desc(options) end

---@class guestlua.StorageVolResizeOptions
---@field allocate? boolean take the room at once
---@field delta? boolean so much more, or less with shrink
---@field shrink? boolean make it smaller: what is behind is lost
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Makes the volume larger, or smaller with the option shrink.
---
---libvirt: `virStorageVolResize`
---@param capacity integer bytes
---@param options? guestlua.StorageVolResizeOptions
function StorageVol:resize(capacity, options) end

---@class guestlua.StoragePoolLookupByVolumeOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The pool that the volume is of.
---
---libvirt: `virStoragePoolLookupByVolume`
---@param options? guestlua.StoragePoolLookupByVolumeOptions
---@return guestlua.StoragePool?
function StorageVol:storage_pool_lookup_by_volume(options) end

---@class guestlua.UploadOptions
---@field offset? integer where in the volume to begin, in bytes
---@field length? integer how many bytes at most; 0, the default: all
---@field plain? boolean send holes as zeros; they are made holes again by default, if the driver can
---@field on_progress? function called each half second with {cur=, ["end"]=}, in bytes; an error in it ends the transfer
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Writes a file of this machine into the volume. What was written stays if it fails or is cancelled midway.
---
---libvirt: `virStorageVolUpload`
---@param path string the file of this machine
---@param options? guestlua.UploadOptions
function StorageVol:upload(path, options) end

---@class guestlua.WipeOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Overwrites the volume with zeros.
---
---libvirt: `virStorageVolWipe`
---@param options? guestlua.WipeOptions
function StorageVol:wipe(options) end

---@class guestlua.WipePatternOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Overwrites the volume, so that what was stored in it cannot be read any more.
---
---libvirt: `virStorageVolWipePattern`
---@param algorithm string how it is overwritten
---@param options? guestlua.WipePatternOptions
function StorageVol:wipe_pattern(algorithm, options) end

---A device of the host: host:node_device and host:node_devices make one.
---@class guestlua.NodeDevice: userdata
---@field host guestlua.Host The connection that it was found on.
---@field name string The name that it is known by.
local NodeDevice = {}

---Lets go of it before the garbage collector does; what it stands for is not touched. Closing twice is harmless.
function NodeDevice:close() end

---@class guestlua.NodeDeviceCreateOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Starts a mediated device that is defined.
---
---libvirt: `virNodeDeviceCreate`
---@param options? guestlua.NodeDeviceCreateOptions
function NodeDevice:create(options) end

---@class guestlua.NodeDeviceDestroyOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Takes a virtual device away. One that is not defined is gone then.
---
---libvirt: `virNodeDeviceDestroy`
---@param options? guestlua.NodeDeviceDestroyOptions
function NodeDevice:destroy(options) end

---@class guestlua.DetachOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Takes the device from its driver, so that a guest can have it.
---
---libvirt: `virNodeDeviceDetachFlags`
---@param driver_name? string the driver that the guest's hypervisor uses; nil: its own
---@param options? guestlua.DetachOptions
function NodeDevice:detach(driver_name, options) end

---@class guestlua.NodeDeviceEventsOptions
---@field match? function called with each such event: returns whether it counts; default: all do
---@field timeout? number seconds for the whole loop; default: no limit

---For a loop: for event in object:events({name, another}, {timeout=60}) do. Receives the named events from this call on, until the loop is left or the time is over. Events dropped because nobody fetched them are reported as an event "lost" with their count. Names and options may stand in one table: object:events{name, another, timeout=60}.
---@param names string|table an event's name, or a list of them
---@param options? guestlua.NodeDeviceEventsOptions
---@return fun(): table
function NodeDevice:events(names, options) end

---Whether a mediated device starts with the host.
---
---libvirt: `virNodeDeviceGetAutostart`
---@param options? guestlua.GetAutostartOptions
---@return boolean
function NodeDevice:get_autostart(options) end

---The name of the device that it hangs on; nil for the host itself.
---
---libvirt: `virNodeDeviceGetParent`
---@return string?
function NodeDevice:get_parent() end

---@class guestlua.NodeDeviceGetXmlDescOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The device's description, as XML.
---
---libvirt: `virNodeDeviceGetXMLDesc`
---@param options? guestlua.NodeDeviceGetXmlDescOptions
---@return string
function NodeDevice:get_xml_desc(options) end

---Whether the device is there, and not only defined.
---
---libvirt: `virNodeDeviceIsActive`
---@param options? guestlua.IsActiveOptions
---@return boolean
function NodeDevice:is_active(options) end

---Whether the host keeps the device's configuration.
---
---libvirt: `virNodeDeviceIsPersistent`
---@param options? guestlua.IsPersistentOptions
---@return boolean
function NodeDevice:is_persistent(options) end

---@class guestlua.ListCapsOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---What the device is and can do, as "pci", "net".
---
---libvirt: `virNodeDeviceListCaps`
---@param options? guestlua.ListCapsOptions
---@return string[]
function NodeDevice:list_caps(options) end

---@class guestlua.NodeDeviceOnOptions
---@field match? function called with each such event: returns whether it counts; default: all do
---@field timeout? number seconds after which no more events are handled; default: no limit

---Calls fn(event) for each such event from now on, one after the other, in its own task. An error in fn is written to standard error, and the next event is still handled. The script still ends with its last line, and its handlers with it; guestlua.serve() keeps it running for them.
---@param names string|table an event's name, or a list of them
---@param fn function called with each event
---@param options? guestlua.NodeDeviceOnOptions
---@return guestlua.Subscription # a Subscription: its close() ends it, and so does closing the connection
function NodeDevice:on(names, fn, options) end

---@class guestlua.ReattachOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Gives the device back to its driver on the host.
---
---libvirt: `virNodeDeviceReAttach`
---@param options? guestlua.ReattachOptions
function NodeDevice:reattach(options) end

---Resets the device.
---
---libvirt: `virNodeDeviceReset`
---@param options? guestlua.ResetOptions
function NodeDevice:reset(options) end

---Sets whether a mediated device starts with the host.
---
---libvirt: `virNodeDeviceSetAutostart`
---@param autostart boolean whether it does
---@param options? guestlua.SetAutostartOptions
function NodeDevice:set_autostart(autostart, options) end

---@class guestlua.NodeDeviceSubscribeOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Subscribes to events of one or more kinds. Subscribe before the call that causes an event, or it may be missed.
---
---libvirt: `virConnectNodeDeviceEventRegisterAny`
---@param events integer|string[] an event's name, or a list of them
---@param options? guestlua.NodeDeviceSubscribeOptions
---@return guestlua.Subscription # a Subscription: each call of its next(timeout) returns the next event
function NodeDevice:subscribe(events, options) end

---@class guestlua.NodeDeviceUndefineOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Removes the configuration of a mediated device.
---
---libvirt: `virNodeDeviceUndefine`
---@param options? guestlua.NodeDeviceUndefineOptions
function NodeDevice:undefine(options) end

---@class guestlua.NodeDeviceWaitEventOptions
---@field match? function called with each such event: returns whether it counts; default: all do
---@field timeout? number seconds to wait at most; default: no limit

---Waits for an event of one of the names. If a call causes the event, subscribe before the call and wait on the Subscription instead: an earlier event is missed.
---@param names string|table an event's name, or a list of them
---@param options? guestlua.NodeDeviceWaitEventOptions
---@return table # the event; an error of kind "timeout" if none came in time
function NodeDevice:wait_event(names, options) end

---A secret that libvirt keeps: host:secret and host:secrets make one.
---@class guestlua.Secret: userdata
---@field host guestlua.Host The connection that it was found on.
---@field uuid string Its UUID, 36 characters.
local Secret = {}

---Lets go of it before the garbage collector does; what it stands for is not touched. Closing twice is harmless.
function Secret:close() end

---@class guestlua.SecretEventsOptions
---@field match? function called with each such event: returns whether it counts; default: all do
---@field timeout? number seconds for the whole loop; default: no limit

---For a loop: for event in object:events({name, another}, {timeout=60}) do. Receives the named events from this call on, until the loop is left or the time is over. Events dropped because nobody fetched them are reported as an event "lost" with their count. Names and options may stand in one table: object:events{name, another, timeout=60}.
---@param names string|table an event's name, or a list of them
---@param options? guestlua.SecretEventsOptions
---@return fun(): table
function Secret:events(names, options) end

---What the secret is for: the path of a volume, the name of a pool ...
---
---libvirt: `virSecretGetUsageID`
---@return string
function Secret:get_usage_id() end

---@class guestlua.GetUsageTypeOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---What kind of thing the secret is for.
---
---libvirt: `virSecretGetUsageType`
---@param options? guestlua.GetUsageTypeOptions
---@return string
function Secret:get_usage_type(options) end

---@class guestlua.GetValueOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The secret's value. From then on it is masked in the log and in errors. One that is private libvirt does not give out.
---
---libvirt: `virSecretGetValue`
---@param options? guestlua.GetValueOptions
---@return string
function Secret:get_value(options) end

---@class guestlua.SecretGetXmlDescOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---What the secret is for, as XML; never its value.
---
---libvirt: `virSecretGetXMLDesc`
---@param options? guestlua.SecretGetXmlDescOptions
---@return string
function Secret:get_xml_desc(options) end

---@class guestlua.SecretOnOptions
---@field match? function called with each such event: returns whether it counts; default: all do
---@field timeout? number seconds after which no more events are handled; default: no limit

---Calls fn(event) for each such event from now on, one after the other, in its own task. An error in fn is written to standard error, and the next event is still handled. The script still ends with its last line, and its handlers with it; guestlua.serve() keeps it running for them.
---@param names string|table an event's name, or a list of them
---@param fn function called with each event
---@param options? guestlua.SecretOnOptions
---@return guestlua.Subscription # a Subscription: its close() ends it, and so does closing the connection
function Secret:on(names, fn, options) end

---@class guestlua.SetValueOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets the secret's value.
---
---libvirt: `virSecretSetValue`
---@param value string the value: any bytes
---@param options? guestlua.SetValueOptions
function Secret:set_value(value, options) end

---@class guestlua.SecretSubscribeOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Subscribes to events of one or more kinds. Subscribe before the call that causes an event, or it may be missed.
---
---libvirt: `virConnectSecretEventRegisterAny`
---@param events integer|string[] an event's name, or a list of them
---@param options? guestlua.SecretSubscribeOptions
---@return guestlua.Subscription # a Subscription: each call of its next(timeout) returns the next event
function Secret:subscribe(events, options) end

---@class guestlua.SecretUndefineOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Removes the secret, with its value.
---
---libvirt: `virSecretUndefine`
---@param options? guestlua.SecretUndefineOptions
function Secret:undefine(options) end

---@class guestlua.SecretWaitEventOptions
---@field match? function called with each such event: returns whether it counts; default: all do
---@field timeout? number seconds to wait at most; default: no limit

---Waits for an event of one of the names. If a call causes the event, subscribe before the call and wait on the Subscription instead: an earlier event is missed.
---@param names string|table an event's name, or a list of them
---@param options? guestlua.SecretWaitEventOptions
---@return table # the event; an error of kind "timeout" if none came in time
function Secret:wait_event(names, options) end

---A network interface of the host: host:interface and host:interfaces make one.
---@class guestlua.Interface: userdata
---@field host guestlua.Host The connection that it was found on.
---@field name string The name that it is known by.
local Interface = {}

---Lets go of it before the garbage collector does; what it stands for is not touched. Closing twice is harmless.
function Interface:close() end

---@class guestlua.InterfaceCreateOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Starts the interface.
---
---libvirt: `virInterfaceCreate`
---@param options? guestlua.InterfaceCreateOptions
function Interface:create(options) end

---@class guestlua.InterfaceDestroyOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Stops the interface.
---
---libvirt: `virInterfaceDestroy`
---@param options? guestlua.InterfaceDestroyOptions
function Interface:destroy(options) end

---The interface's MAC address.
---
---libvirt: `virInterfaceGetMACString`
---@return string
function Interface:get_mac_string() end

---@class guestlua.InterfaceGetXmlDescOptions
---@field inactive? boolean what it is at its next start
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The interface's configuration, as XML.
---
---libvirt: `virInterfaceGetXMLDesc`
---@param options? guestlua.InterfaceGetXmlDescOptions
---@return string
function Interface:get_xml_desc(options) end

---Whether the interface is up.
---
---libvirt: `virInterfaceIsActive`
---@param options? guestlua.IsActiveOptions
---@return boolean
function Interface:is_active(options) end

---@class guestlua.InterfaceUndefineOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Removes the interface's configuration.
---
---libvirt: `virInterfaceUndefine`
---@param options? guestlua.InterfaceUndefineOptions
function Interface:undefine(options) end

---A network filter: host:nwfilter and host:nwfilters make one.
---@class guestlua.NWFilter: userdata
---@field host guestlua.Host The connection that it was found on.
---@field name string The name that it is known by.
---@field uuid string Its UUID, 36 characters.
local NWFilter = {}

---Lets go of it before the garbage collector does; what it stands for is not touched. Closing twice is harmless.
function NWFilter:close() end

---@class guestlua.NWFilterGetXmlDescOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The filter's rules, as XML.
---
---libvirt: `virNWFilterGetXMLDesc`
---@param options? guestlua.NWFilterGetXmlDescOptions
---@return string
function NWFilter:get_xml_desc(options) end

---@class guestlua.NWFilterUndefineOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Removes the filter. No guest may use it.
---
---libvirt: `virNWFilterUndefine`
---@param options? guestlua.NWFilterUndefineOptions
function NWFilter:undefine(options) end

---A network filter in force on a port: host:nwfilter_bindings() lists them.
---@class guestlua.NWFilterBinding: userdata
---@field host guestlua.Host The connection that it was found on.
---@field name string The name that it is known by.
local NWFilterBinding = {}

---Lets go of it before the garbage collector does; what it stands for is not touched. Closing twice is harmless.
function NWFilterBinding:close() end

---@class guestlua.NWFilterBindingDeleteOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Takes the filter off the port.
---
---libvirt: `virNWFilterBindingDelete`
---@param options? guestlua.NWFilterBindingDeleteOptions
function NWFilterBinding:delete(options) end

---The name of the filter that is in force.
---
---libvirt: `virNWFilterBindingGetFilterName`
---@return string
function NWFilterBinding:get_filter_name() end

---@class guestlua.NWFilterBindingGetXmlDescOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Which filter is in force, and with which parameters, as XML.
---
---libvirt: `virNWFilterBindingGetXMLDesc`
---@param options? guestlua.NWFilterBindingGetXmlDescOptions
---@return string
function NWFilterBinding:get_xml_desc(options) end

---Events of one or more kinds, of one guest, network, pool … or of all of a host, from the moment of subscribe on.
---@class guestlua.Subscription: userdata
local Subscription = {}

---Ends the subscription; closing it twice is harmless. A to-be-closed variable does the same at the end of its scope.
---
---libvirt: `virConnectDomainEventDeregisterAny`
function Subscription:close() end

---@class guestlua.NextResult
---@field event string its name, as it was subscribed to
---@field guest string? the name of the guest that it is about
---@field object string? the name of what else it is about; of a secret its UUID
---@field object_type string? what that is: "network", "pool", "node device" or "secret"
---@field uuid string? the UUID of that; devices of the host have none
---@field [string] any the fields that events of this name have: see the manual, "Events"

---Waits for the next event. Unfetched events beyond 1024 are dropped, and reported as an event "lost" with their number.
---@param timeout? number the longest wait in seconds; nil: no limit
---@return guestlua.NextResult?
function Subscription:next(timeout) end

---Bytes from a guest's console or channel, and to it: guest:console and guest:channel make one.
---@class guestlua.Stream: userdata
---@field name string The device that it was opened for, "console" if none was named.
local Stream = {}

---Ends the stream, so that others can open the console. A write under way ends. Closing twice is harmless.
---
---libvirt: `virStreamAbort`
function Stream:close() end

---@class guestlua.ExpectOptions
---@field plain? boolean the pattern is a text, in which no character has a special meaning
---@field timeout? number seconds to wait at most; default: no limit

---Reads until what came matches a pattern, and no further. For a dialogue: expect("login: "), write("root\n"), and so on.
---@param pattern string|string[] a pattern of Lua, or a list of them
---@param options? guestlua.ExpectOptions
---@return string text
---@return string pattern
function Stream:expect(pattern, options) end

---@class guestlua.LinesOptions
---@field timeout? number seconds for the whole loop; default: no limit

---For a loop: for line in console:lines{timeout=60} do. Reads line by line, until the stream ends, the loop is left or the time is over.
---@param options? guestlua.LinesOptions
---@return fun(): string?
function Stream:lines(options) end

---@class guestlua.ReadOptions
---@field timeout? number seconds to wait at most; default: no limit

---Waits for bytes, and gives those that are there. At most the last MiB is kept for a reader.
---
---libvirt: `virStreamRecv`
---@param max? integer how many bytes at most; nil: all that are there
---@param options? guestlua.ReadOptions
---@return string? bytes
---@return integer lost
function Stream:read(max, options) end

---Puts bytes back that were read too far: the next read gives them first.
---@param bytes string what the next read is to give
function Stream:unread(bytes) end

---@class guestlua.WriteOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sends bytes, all of them, and waits for as long as the other side takes none. Those that were sent before an error stay sent.
---
---libvirt: `virStreamSend`
---@param bytes string what to send, of which the log shows the length alone
---@param options? guestlua.WriteOptions
function Stream:write(bytes, options) end

---An XML element. element.x is the attribute x, or else the first child element x; element[1] is the text; methods come before both, and attribute(name) and child(name) reach what a method hides. Assigning works the same way. tostring(element) is the XML.
---@class guestlua.Element: userdata
---@field [string|integer] any its attributes, children and text
local Element = {}

---Adds a copy of another Element as the last child. Unlike an assignment, it keeps elements of the same name.
---@param child any the Element to copy
---@return guestlua.Element # the copy, an Element
function Element:append(child) end

---The attribute of that name, even if a method or a child element has the same name.
---@param name string the name
---@return string?
function Element:attribute(name) end

---All its attributes; an attribute with a prefix is under "prefix:name".
---@return table<string,string> # a table from name to value
function Element:attributes() end

---The first child element of that name, even if a method or an attribute has the same name.
---@param name string the name
---@return guestlua.Element?
function Element:child(name) end

---The child elements, or those of that name, in document order.
---@param name? string the name; nil: any
---@return guestlua.Element[]
function Element:children(name) end

---The XML with each element on its own line, indented, however it was written. tostring(element) prints it as it was read.
---@return string # string: XML
function Element:pretty() end

---Removes the element from its parent; it can still be read and printed. Harmless if it has no parent.
function Element:remove() end

---The element's own name.
---@return string
function Element:tag() end

---@class guestlua.ValidateOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Checks the element against libvirt's installed schema: whole libvirt documents, and devices. Raises an error of kind "invalid_xml" that names the line and the element.
---@param options? guestlua.ValidateOptions
---@return true
function Element:validate(options) end

---A function that runs beside others: guestlua.spawn makes one. It keeps running if its Task is forgotten; a group ends with its scope.
---@class guestlua.Task: userdata
local Task = {}

---Raises an error of kind "cancelled" in the task, at its present or next wait; its to-be-closed variables undo what they guard. Does not wait for that.
function Task:cancel() end

---Whether the task still runs, and how it ended.
---@return "running"|"done"|"failed" # "running", "done" or "failed"
function Task:status() end

---@class guestlua.WaitOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, and the task keeps running

---Waits until the task has ended.
---@param options? guestlua.WaitOptions
---@return any ...
function Task:wait(options) end

---A signal that one task waits for and another one gives: for workflows that wait for each other.
---@class guestlua.Signal: userdata
local Signal = {}

---@class guestlua.SignalWaitOptions
---@field timeout? number the longest wait in seconds; default: no limit

---Waits until somebody calls wake.
---@param options? guestlua.SignalWaitOptions
---@return boolean # true; false if the time is over
function Signal:wait(options) end

---Wakes waiting tasks, the oldest first.
---@param count? integer the number of tasks to wake; nil: all
function Signal:wake(count) end

---The error that every failure raises: a table that prints as one line with all details.
---@class guestlua.Error
---@field argument string? the argument that was bad
---@field call string? libvirt's function behind it
---@field code integer? libvirt's number
---@field device string? the device's name, for example its alias or target
---@field device_type string? the kind of device, for example "disk"
---@field domain string? the part of libvirt that it came from
---@field found table? for the kind "conflict": somebody else's changes
---@field guest string? the guest's name
---@field hint string? what to do next, if that is known
---@field holder table? for the kind "busy": the run that has the guest
---@field host string? the URI of the host
---@field kind string a stable name: libvirt's error code in lower case ("no_domain", "operation_timeout", "agent_unresponsive"), or "bad_argument", "closed", "timeout", "interrupted", "cancelled", "xml_error" and so on; "disconnected" if the connection was lost, whatever code libvirt has for it
---@field left table[]? files that a workflow left: path, why
---@field level string? libvirt's severity
---@field may_change boolean? true if that call can still change something
---@field message string libvirt's text, or guestlua's
---@field object string? the name of another libvirt object
---@field object_type string? the kind of that object, for example "network"
---@field op string? the method that failed
---@field outcome string? how the workflow left things
---@field results table[]? of guestlua.recover: the result for each run
---@field signal integer? for the kind "script_ended": the signal that ended the script's process
---@field step string? the workflow's step
---@field still_running boolean? true if the call, or the job, is still running although nobody waits for it
---@field undoing guestlua.Error[]? errors while undoing
---@field where string? the script's file and line
---@field workflow string? the workflow that failed
local Error = {}

---Whether the value is such an error.
---@param value any whatever pcall gave
---@param kind? string and of this kind
---@return boolean
function Error.is(value, kind) end

---Makes an error to raise, with the given fields.
---@param fields table its fields; kind has to be one
---@return guestlua.Error
function Error.new(fields) end

---Many hosts: guestlua.fleet makes one. local fleet <close> = guestlua.fleet{…} closes all of them.
---@class guestlua.Fleet
---@field hosts table[] its hosts: name, uri, groups (of Ansible), host (the Host; nil if it is not connected) and error (why)
---@field problems table[] what could not be used: name (of a host, or where in the inventory), error
---@field warnings table[] hosts that can be used and look like one machine: hosts (a list of names), message
local Fleet = {}

---Closes all of its hosts.
function Fleet:close() end

---Tries again to connect to the hosts that could not be reached. Those that were connected once are opened again by themselves.
---@return integer # how many hosts cannot be reached
function Fleet:connect() end

---@class guestlua.EachResult
---@field host string the host's name
---@field ok boolean whether the call succeeded
---@field value any what it returned first
---@field error any what it raised, or why the host is not connected

---@class guestlua.EachOptions
---@field limit? integer how many calls may run at a time; nil: all
---@field host_timeout? number seconds that each call has; nil: no limit

---Calls fn(host, host_name) for each host, in tasks. A call that fails ends no other.
---@param fn function called with each Host and its name
---@param options? guestlua.EachOptions
---@return guestlua.EachResult[]
function Fleet:each(fn, options) end

---@class guestlua.FleetEventsOptions
---@field duration? number seconds for the whole loop; nil: until it is left

---For a loop: for event in fleet:events{"lifecycle"} do. Each event has host_name; else it is as host:events has it. "disconnected" and "reconnected" are events, too. Hosts that are not connected at this call are not heard. The loop ends when all that are heard are closed.
---@param names string[] the events' names
---@param options? guestlua.FleetEventsOptions
---@return fun(): table
function Fleet:events(names, options) end

---@class guestlua.FleetGuestOptions
---@field host_timeout? number seconds that each host has for its answer; default: 30

---Looks a guest up by its name or UUID, on all hosts: of several that know it, as after a migration, it is the one on which it runs. An error of kind "ambiguous" if it runs on several, or is defined on several and runs on none; of kind "unreachable" if none has it and not all answered.
---@param name_or_uuid string the guest's name or UUID
---@param options? guestlua.FleetGuestOptions
---@return guestlua.Guest? # the Guest and the name of its host, or nil if no host has it
---@return string? host
function Fleet:guest(name_or_uuid, options) end

---@class guestlua.FleetGuestsOptions
---@field which? table which guests, as host:guests takes it: {active = true}
---@field host_timeout? number seconds that each host has for its answer; default: 30

---Lists the guests of all hosts, which are asked beside each other.
---@param options? guestlua.FleetGuestsOptions
---@return guestlua.Guest[] # the guests, host by host, and what is missing: a list of name and error of the hosts that did not answer
---@return table[] problems
function Fleet:guests(options) end

---@class guestlua.MapResult
---@field host string the host's name
---@field guest string? the guest's name; nil: the host did not answer, or is none
---@field ok boolean whether the call succeeded
---@field value any what it returned first
---@field error any what it raised
---@field skipped true? it was not begun, because too many had failed

---@class guestlua.FleetMapOptions
---@field limit? integer how many calls may run at a time; default: 32
---@field per_host? integer how many on one host; default: 2
---@field max_failures? integer begin nothing more when more than that have failed; nil: go on
---@field which? table which guests, as host:guests takes it: {active = true}
---@field host_timeout? number seconds that each host has for its answer; default: 30

---Calls fn(guest, host_name) for each guest of all hosts, in tasks. A call that fails ends no other.
---@param fn function called with each guest and its host's name
---@param options? guestlua.FleetMapOptions
---@return guestlua.MapResult[]
function Fleet:map(fn, options) end

---@class guestlua.FleetStatsOptions
---@field groups? any what is asked for, as host:stats takes it
---@field active? boolean only guests that run, or only those that do not
---@field host_timeout? number seconds that each host has for its answer; default: 30

---The statistics of all guests of all hosts: host:stats of each, beside each other.
---@param options? guestlua.FleetStatsOptions
---@return table # a table from a host's name to what its host:stats gave, and what is missing, as fleet:guests has it
---@return table[] problems
function Fleet:stats(options) end

---Tasks that end together: guestlua.group makes one.
---@class guestlua.Group
local Group = {}

---Cancels the tasks that still run, without waiting for them.
function Group:cancel() end

---Starts fn(…) as a task of the group; if the group is at its limit, when one of its tasks has ended.
---@param fn function the function
---@param ... any its arguments
---@return guestlua.Task
function Group:spawn(fn, ...) end

---Waits until all tasks of the group have ended. Raises their first error, once; it has cancelled the others.
function Group:wait() end

---A change for a scope, as made by guest:frozen(), guest:paused() and guest:attached(device): local frozen <close> = guest:frozen(). It is taken back however the scope ends.
---@class guestlua.Guard
local Guard = {}

---Takes the change back now. A second call does nothing. Errors: those of the call that takes it back.
function Guard:close() end

---Keeps the change: it is not taken back when the scope ends, nor by recover.
---@return guestlua.Guard
function Guard:keep() end

---A progress line on standard error: guestlua.progress makes one.
---@class guestlua.Progress
local Progress = {}

---A function for on_progress: disk:await_job{on_progress = progress:callback()}.
---@return fun(info: table)
function Progress:callback() end

---@class guestlua.ConfigureOptions
---@field quiet? boolean show none

---Progress.configure{quiet=true}: from now on no progress is shown; the command's -q. A function of the class, called with a dot.
---@param options? guestlua.ConfigureOptions
function Progress.configure(options) end

---Replaces the line with a final one that gives the amount and the duration. A to-be-closed variable does the same at the end of its scope, and after an error says how far it came. Calling it twice is harmless.
function Progress:done() end

---Sets the present progress. The line is drawn at most ten times a second; if standard error is no terminal one is written every five seconds.
---@param current any how many bytes are done; or what get_job_info() gives, of a disk or of a guest, which has both
---@param total? number the total; nil: as before
function Progress:update(current, total) end

---A log for people and programs: guestlua.log.warning("slow", {guest = "web", seconds = 3}). The levels are error, warning, info, debug and trace; by default errors and warnings are written, as text, to standard error. Passwords and the like are masked: in XML, in fields with such names, and in texts that look like one. Its functions are called with a dot.
---@class guestlua.log
local log = {}

---@class guestlua.logConfigureOptions
---@field level? string "error", "warning", "info", "debug" or "trace": this level and worse; trace has each libvirt call, with its arguments, its result and its duration
---@field format? string "text", or "json": one object per line, which needs the Lua module dkjson
---@field file? string a file to append to
---@field handler? function called with each level and line instead of writing it; it must not wait

---Sets what is logged, how and where; options that are not given stay as they are. The command's --log-level, --log-format and --log-file.
---@param options? guestlua.logConfigureOptions
function log.configure(options) end

---Writes a line of the level debug, if that level is logged.
---@param message string what happened
---@param fields? table further details, by name
function log.debug(message, fields) end

---Writes a line of the level error, if that level is logged.
---@param message string what happened
---@param fields? table further details, by name
function log.error(message, fields) end

---Writes a line of the level info, if that level is logged.
---@param message string what happened
---@param fields? table further details, by name
function log.info(message, fields) end

---Writes a line of the level trace, if that level is logged.
---@param message string what happened
---@param fields? table further details, by name
function log.trace(message, fields) end

---Writes a line of the level warning, if that level is logged.
---@param message string what happened
---@param fields? table further details, by name
function log.warning(message, fields) end

---Operations of more than one step: guestlua.workflow.snapshot_then_commit(guest, {…}) and so on. Each finishes or takes back what it did; its error has `workflow`, `step`, and `outcome`: how things were left.
---@class guestlua.workflow
local workflow = {}

---@class guestlua.AttachWithRetryResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long the workflow took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: the calls that were not made, as from guestlua.plan()
---@field device string its alias, or another name of it

---@class guestlua.AttachWithRetryOptions
---@field live? boolean attach it to the running guest; default: if it runs
---@field persistent? boolean attach it to the configuration; default: if the guest has one
---@field attempts? integer how often each step is tried; default 8
---@field pause? number seconds between two tries; default 2
---@field timeout? number seconds for each libvirt call; default 60
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Attaches a device to the running guest and then to its persistent configuration, and checks that it is there. It tries again if libvirt reports that another operation holds the guest. If the second step fails the first is taken back.
---@param guest guestlua.Guest the Guest
---@param device guestlua.Element|string the device
---@param options? guestlua.AttachWithRetryOptions
---@return guestlua.AttachWithRetryResult
function workflow.attach_with_retry(guest, device, options) end

---@class guestlua.BackupResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long the workflow took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: the calls that were not made, as from guestlua.plan()
---@field id string the backup's id, as taken by `at`
---@field directory string the guest's directory of backups
---@field consistency "frozen"|"crash"|"off" the guest's state at that moment
---@field level_used "full"|"incremental" full: at least one disk is saved completely
---@field disks table[] target, size (bytes), level_used, because (why it is no increment), read, written, bytes, source, chain, image_sha256
---@field left_out table[] disks and other things that are not in it: target, why
---@field frozen_seconds number? how long the file systems were frozen
---@field checkpoint string? the checkpoint for the next increment
---@field mode "pull"|"push" who read the disks: guestlua, or QEMU itself
---@field lacks string[]? what a pushed backup lacks in comparison
---@field pruned string[]? ids of backups that `keep` removed
---@field merged string[]? ids of kept backups that others were merged into, as `keep` wanted
---@field boot table? how it booted, as in the result of verify
---@field warnings string[]? problems that did not stop it
---@field plain string[]? the targets of encrypted disks with data now stored unencrypted, as the option plain allows

---@class guestlua.BackupOptions
---@field to string a directory of this machine; the guest's backups are in one of its name in there. Or the URI of an NBD server, which gets the disks as raw images, in which {disk} and {guest} stand for their names
---@field manifest? string a directory of this machine for all but the disks, if `to` is an NBD server
---@field mode? string "pull": guestlua reads the disks; "push": QEMU writes the images itself, into a directory that its user may enter, without compression and without a limit; default: "pull", or "push" if guestlua was built without libnbd
---@field level? string "full"; "incremental" or "auto": the changes, as far as they are known; default: "auto"
---@field disks? string[] the targets, for example {"vda"}; default: all that are neither read-only nor removable
---@field exclude? string[] a list of targets of disks to leave out
---@field quiesce? boolean freeze the guest's file systems at that moment; default: if its agent answers
---@field freeze_timeout? number seconds that the freeze may take; default: 60
---@field compress? string "zstd" or "zlib"; default: none
---@field encrypt? function|string|guestlua.Secret the passphrase: a function that returns it, the path of a file with it and nothing else, or a libvirt Secret
---@field unlock_time? integer milliseconds of the processor that unlocking an image takes, and each guess of a passphrase; a chain is unlocked image by image; default: 2000, as QEMU's; a long random passphrase is as safe with 10
---@field keep? table the older backups to keep: {full=, increments=}, or {daily=, weekly=, monthly=}; default: all
---@field verify? boolean|string read the backup back before it counts; "boot": and then start the guest from it, as verify with boot=true does: if that fails the backup stays, and so do the older ones
---@field plain? boolean store an encrypted disk's data in an unencrypted file; default: that is refused
---@field bandwidth? integer MiB/s to read at most; default: no limit
---@field scratch? string a directory for scratch files (blocks that the guest overwrites); default: the image's directory
---@field reserve? integer bytes to leave free there: the backup is given up before the guest suffers; default: 256 MiB
---@field on_progress? function called often with {size, at, read, written}, in bytes
---@field per_target? integer wait until fewer than so many backups go to that directory (with an NBD server: `manifest`), from all processes and machines that have it and say so too; default: no limit
---@field per_host? integer wait until fewer than so many go on here, of this user's processes that say so too; default: no limit
---@field timeout? number seconds for the whole workflow; after that it is taken back
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Saves the guest's disks as they are at one moment, completely or only the changes since the last backup in that directory, with the guest's configuration and its UEFI variables: qcow2 images that qemu-img reads, checksums, and a manifest. A backup is complete or does not exist. A guest that is off is read as it is. A disk without a possible increment gets a full backup, with the reason.
---@param guest guestlua.Guest the Guest
---@param options? guestlua.BackupOptions
---@return guestlua.BackupResult
function workflow.backup(guest, options) end

---@class guestlua.BackupsResult
---@field id string the backup's id
---@field number integer its place in the list
---@field time string when it was made, for example "2024-01-31T12:00:00Z"
---@field directory string its directory
---@field guest table name, uuid
---@field level string the level that was asked for
---@field level_used "full"|"incremental" full: at least one disk is saved completely
---@field consistency "frozen"|"crash"|"off" the guest's state at that moment
---@field frozen_seconds number? how long the file systems were frozen
---@field checkpoint string? the checkpoint for the next increment
---@field disks table[] target, size (bytes), level_used, because (why it is no increment), read, written, bytes, source, chain, image_sha256
---@field left_out table[] disks and other things that are not in it: target, why
---@field files table[] the small files that belong to it
---@field versions table the versions that made it: guestlua, libvirt, host
---@field seconds number how long it took
---@field mode "pull"|"push" who read the disks: guestlua, or QEMU itself
---@field unchecked boolean? true: it has no checksums, since guestlua was built without libnbd
---@field encryption table? format: "luks", if the images are encrypted
---@field verified boolean whether it was read back before it counted
---@field format integer the format of the manifest

---@class guestlua.BackupsOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lists the backups in a guest's directory, oldest first. The list's field `problems` has the unusable manifests: id, problem.
---@param directory string a guest's directory of backups
---@param options? guestlua.BackupsOptions
---@return guestlua.BackupsResult[]
function workflow.backups(directory, options) end

---@class guestlua.CleanShutdownResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long the workflow took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: the calls that were not made, as from guestlua.plan()
---@field asked integer how often the guest was asked to shut down
---@field forced boolean whether it was powered off
---@field reason string? libvirt's word for why it stopped, if it was reported
---@field changed boolean false: it was off before

---@class guestlua.CleanShutdownOptions
---@field timeout? number seconds for the guest to shut down; default 60
---@field retry_interval? number seconds after which it is asked again; default 10, at least 1
---@field force? boolean power it off if it has not shut down by then; with timeout=0 at once
---@field transient? boolean stop it even if it is transient: libvirt forgets it then. Default: that is refused
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Asks the guest to shut down and waits, by its events, until it is off. If the guest does not shut down in time, an error of kind "timeout" is raised and the guest runs on, unless force=true.
---@param guest guestlua.Guest the Guest
---@param options? guestlua.CleanShutdownOptions
---@return guestlua.CleanShutdownResult
function workflow.clean_shutdown(guest, options) end

---@class guestlua.CloneResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long the workflow took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: the calls that were not made, as from guestlua.plan()
---@field clone string its name
---@field uuid string its UUID
---@field files table[] the disks' new files: target, path, format
---@field shared string[]? targets of shareable disks, which both guests have

---@class guestlua.workflowCloneOptions
---@field name string the clone's name
---@field disks? string "copy", the default: files that need no other; "overlay": what the clone writes, on top of the guest's images, which nobody may be able to write any more
---@field to? string a directory for the disks' files; default: where the guest's are
---@field files? table the files of single disks, for example {vda="/images/vda.qcow2"}
---@field start? boolean start it
---@field timeout? number seconds for the whole workflow; after that it is taken back
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Makes another guest like one that is off, on the same host: its disks, UEFI variables and the state of an emulated TPM in new files, with its own UUID, addresses and ports; paths of sockets and logs get its name. Neither the guest nor its files are written to. If a step fails, neither the clone nor a file of it is left.
---@param guest guestlua.Guest the Guest; it must be off
---@param options? guestlua.workflowCloneOptions
---@return guestlua.CloneResult
function workflow.clone(guest, options) end

---@class guestlua.DetachWithRetryResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long the workflow took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: the calls that were not made, as from guestlua.plan()
---@field device string its alias, or another name of it
---@field attempts integer how often the running guest was asked
---@field changed boolean whether it was there

---@class guestlua.DetachWithRetryOptions
---@field attempts? integer how often the running guest is asked; default 8
---@field timeout? number seconds to wait after each request; default 20
---@field missing_ok? boolean a missing device is no error
---@field live? boolean false: do not detach it from the running guest
---@field persistent? boolean false: do not detach it from the configuration
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Detaches a device from the persistent configuration and from the running guest, whichever have it, and waits until the guest has released it. The guest is asked again only after a timeout, never after a refusal. Errors: device_not_found, device_detach_failed.
---@param guest guestlua.Guest the Guest
---@param device any its alias, a disk's target, an interface's MAC address or its name on the host, an Element, XML text, or a function get_conf(from_persistent_config) that returns the Element or nil
---@param options? guestlua.DetachWithRetryOptions
---@return guestlua.DetachWithRetryResult
function workflow.detach_with_retry(guest, device, options) end

---@class guestlua.DrainResult
---@field workflow string its name
---@field host string the URI of the host
---@field drained boolean whether the host has no guest any more
---@field changed boolean whether a guest was moved or recovered, or may have been; in a dry run: whether one would be
---@field moves table[] what it set out to do: guest, to (the URI of a host), live (whether it runs), memory (bytes)
---@field moved table[] guests that are on another host: guest, to, seconds
---@field failed table[] moves that failed, or of which it is not known what became: guest, to, seconds, error, and the guest's state on both hosts then, here and there: libvirt's word, "gone" if it is not there, "unknown" if the host does not answer
---@field left table[] guests that cannot move: guest, why
---@field not_tried table[] moves that were not begun: guest, to, why
---@field problems table[] hosts in `to` that do not answer: host, error
---@field recovered table[] what killed runs had left, as from guestlua.recover
---@field seconds number how long it took
---@field plan table[]? in a dry run: the calls that were not made, as from guestlua.plan()

---@class guestlua.DrainOptions
---@field to any[] the hosts that may take them: each a Host; or a URI, which is opened, and closed in the end; or a table with host= or uri= for that, and destination_uri= and migrate_uri=, as live_migrate takes them
---@field strategy? string "spread", the default: a guest goes where the most memory is left; "fill": to the first in the list that can take it, so that the last ones stay free
---@field on_stuck? string if guests cannot move: "refuse", the default, is an error that names them, before anything moves; "leave" moves the others
---@field limit? integer how many moves may be under way at once; default: 2
---@field max_failures? integer begin no more moves when more than that have failed, or are not known to have succeeded; nil: go on
---@field reserve? integer MiB of memory that stay free on each host, default: 0; below 0: so much more may be taken than there is
---@field timeout? number seconds for the whole drain: after that no move begins, and those under way are taken back
---@field block? boolean copy the disks in migrate_disks; if none are listed, all files and block devices that are neither readonly nor shareable. Refused if another guest of the destination has an image of that name
---@field tunnelled? boolean send all data through libvirt's own connection
---@field tls? boolean let QEMU encrypt the data
---@field plain? boolean copy encrypted disks without tls, so that anybody on the way can read them; default: that is refused
---@field postcopy? boolean force_complete may run the guest there before all its memory arrived; it is not aborted then
---@field auto_converge? boolean slow the guest down if it writes faster than its memory is copied
---@field unsafe? boolean migrate even if libvirt cannot tell that the disks are shared
---@field parallel? integer how many connections
---@field bandwidth? integer MiB/s at most; nil or 0: no limit
---@field completion_timeout? number seconds it may take; nil: 800 for each GiB of memory and disks, at least 1600; 0: no limit
---@field timeout_action? string what happens then: "abort" (default), or "force_complete": post-copy with postcopy=true, otherwise the guest stands still until it is over
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Moves all guests off a host, each as live_migrate does, or offline_migrate if it is off. Before the first one moves it is known which goes where, by the memory that is free and by the processors, and which cannot move; what was killed on the way is recovered, and a guest that cannot be recovered does not move. A move that fails ends no other: the result has its error. Called again it goes on with the guests that the host still has. In a dry run libvirt does not answer about processors.
---@param host guestlua.Host the Host that is to have no guests
---@param options? guestlua.DrainOptions
---@return guestlua.DrainResult
function workflow.drain(host, options) end

---@class guestlua.EnsureAttachedResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long the workflow took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: the calls that were not made, as from guestlua.plan()
---@field changed boolean whether anything was done

---@class guestlua.EnsureAttachedOptions
---@field timeout? number seconds for each libvirt call; default 60
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Attaches a device if the guest does not have it, to the running guest and to its configuration, whichever lack it.
---@param guest guestlua.Guest the Guest
---@param device guestlua.Element|string the device
---@param options? guestlua.EnsureAttachedOptions
---@return guestlua.EnsureAttachedResult
function workflow.ensure_attached(guest, device, options) end

---@class guestlua.EnsureDetachedResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long the workflow took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: the calls that were not made, as from guestlua.plan()
---@field device string its alias, or another name of it
---@field attempts integer how often the running guest was asked
---@field changed boolean whether it was there

---@class guestlua.EnsureDetachedOptions
---@field attempts? integer how often the running guest is asked; default 8
---@field timeout? number seconds to wait after each request; default 20
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Detaches a device if the guest has it: like detach_with_retry, but a missing device is no error.
---@param guest guestlua.Guest the Guest
---@param device any as in detach_with_retry
---@param options? guestlua.EnsureDetachedOptions
---@return guestlua.EnsureDetachedResult
function workflow.ensure_detached(guest, device, options) end

---@class guestlua.EnsureRunningResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long the workflow took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: the calls that were not made, as from guestlua.plan()
---@field changed boolean whether anything was done
---@field how "launched"|"restored"|"unpaused"|"woken"|"running" what was done; restored: it had been suspended; woken: it was asleep; running: it ran already

---@class guestlua.EnsureRunningOptions
---@field timeout? number seconds until it has to run; default 60
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Makes sure that the guest runs: starts it, wakes it, or resumes it if it is paused, and waits until it runs. A running guest is left alone.
---@param guest guestlua.Guest the Guest
---@param options? guestlua.EnsureRunningOptions
---@return guestlua.EnsureRunningResult
function workflow.ensure_running(guest, options) end

---@class guestlua.EnsureStoppedResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long the workflow took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: the calls that were not made, as from guestlua.plan()
---@field asked integer how often the guest was asked to shut down
---@field forced boolean whether it was powered off
---@field reason string? libvirt's word for why it stopped, if it was reported
---@field changed boolean false: it was off before

---@class guestlua.EnsureStoppedOptions
---@field timeout? number seconds for the guest to shut down; default 60
---@field retry_interval? number seconds after which it is asked again; default 10, at least 1
---@field force? boolean power it off if it has not shut down by then; with timeout=0 at once
---@field transient? boolean stop it even if it is transient: libvirt forgets it then. Default: that is refused
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Makes sure that the guest is off, as clean_shutdown does. A guest that is off, or gone, is left alone.
---@param guest guestlua.Guest the Guest
---@param options? guestlua.EnsureStoppedOptions
---@return guestlua.EnsureStoppedResult
function workflow.ensure_stopped(guest, options) end

---@class guestlua.LiveMigrateResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long the workflow took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: the calls that were not made, as from guestlua.plan()
---@field destination string the URI of the host that it is now on
---@field arrived guestlua.Guest the Guest there
---@field forced "postcopy"|"pause"|nil how it was forced to complete, if it was
---@field downtimes table[] the maximum downtimes asked for: after (seconds), ms, set (whether libvirt accepted it)
---@field iterations integer? the number of passes over the memory, if libvirt reported it
---@field stats table? what libvirt counted
---@field warnings string[] problems that did not stop it
---@field left_out table[]? disks that were not copied with the others: target, why
---@field plain string[]? the targets of encrypted disks with data now stored unencrypted, as the option plain allows

---@class guestlua.LiveMigrateOptions
---@field timeout? number the same as completion_timeout
---@field destination_uri? string how the source host's libvirt reaches the destination's, as in "qemu+tcp://other/system"; nil: the URI that the destination was opened with
---@field migrate_uri? string the address for the data, for example "tcp://192.0.2.1"; nil: libvirt chooses
---@field destination_xml? any its configuration there: an Element, XML text, or a function that gets the present one as an Element and changes it or returns another
---@field flags? any as for guest:migrate; nil: live, peer2peer, and for a persistent guest persist_dest and undefine_source
---@field block? boolean copy the disks in migrate_disks; if none are listed, all files and block devices that are neither readonly nor shareable. Refused if another guest of the destination has an image of that name
---@field migrate_disks? string[] the targets of the disks to copy
---@field tunnelled? boolean send all data through libvirt's own connection
---@field tls? boolean let QEMU encrypt the data
---@field plain? boolean copy encrypted disks without tls, so that anybody on the way can read them; default: that is refused
---@field postcopy? boolean force_complete may run the guest there before all its memory arrived; it is not aborted then
---@field auto_converge? boolean slow the guest down if it writes faster than its memory is copied
---@field unsafe? boolean migrate even if libvirt cannot tell that the disks are shared
---@field parallel? integer how many connections
---@field bandwidth? integer MiB/s at most; nil or 0: no limit
---@field completion_timeout? number seconds it may take; nil: 800 for each GiB of memory and disks, at least 1600; 0: no limit
---@field timeout_action? string what happens then: "abort" (default), or "force_complete": post-copy with postcopy=true, otherwise the guest stands still until it is over
---@field downtime? integer the maximum downtime in the last step, in ms; default 500
---@field downtime_steps? integer the number of steps in which it grows; default 10
---@field downtime_delay? number seconds from one step to the next, for each GiB; default 75
---@field on_progress? function called every half second with get_job_info(), which also has elapsed, percent, limit and forced; an error in it aborts the migration
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Moves a running guest to another host and checks both in the end. The migration is watched: its allowed downtime grows step by step, and if it takes too long it is aborted, or forced to complete. If a step fails or the script is asked to stop, it is aborted and the guest runs on where it was. An error of kind "job_unknown" says that it is not known where the guest runs.
---@param guest guestlua.Guest the Guest; it must run
---@param destination guestlua.Host the Host to move it to
---@param options? guestlua.LiveMigrateOptions
---@return guestlua.LiveMigrateResult
function workflow.live_migrate(guest, destination, options) end

---@class guestlua.LiveSnapshotResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long the workflow took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: the calls that were not made, as from guestlua.plan()
---@field path string the file with the copy
---@field disk string the disk's target
---@field images string[] the disk's chain, unchanged, the topmost image first
---@field frozen_seconds number? with quiesce: how long the file systems were frozen
---@field plain string[]? the targets of encrypted disks with data now stored unencrypted, as the option plain allows

---@class guestlua.LiveSnapshotOptions
---@field quiesce? boolean freeze the guest's file systems while the copy ends; needs the guest agent
---@field freeze_timeout? number seconds that the freeze may take; default 60
---@field format? string the file's format, for example "raw"; default: that of the disk's image
---@field shallow? boolean copy the topmost image only: the file then needs the images below it
---@field plain? boolean store an encrypted disk's data in an unencrypted file; default: that is refused
---@field timeout? number seconds for the whole workflow; after that it is taken back
---@field bandwidth? integer MiB/s that the copy may use
---@field on_progress? function called with the copy's get_job_info() every half second
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Copies a disk of the running guest to a new file, including its backing images, so that the file needs no other. The copy is the disk at one moment, the end of the copy; with quiesce its file systems are frozen then. The guest keeps its disk and its configuration. If a step fails there is no file.
---@param guest guestlua.Guest the Guest; it must run
---@param disk string the disk's target, for example "vda"
---@param out_path string the file, on the guest's host: an absolute path, which must not be there yet
---@param options? guestlua.LiveSnapshotOptions
---@return guestlua.LiveSnapshotResult
function workflow.live_snapshot(guest, disk, out_path, options) end

---@class guestlua.OfflineMigrateResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long the workflow took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: the calls that were not made, as from guestlua.plan()
---@field destination string the URI of the host that it is now on
---@field arrived guestlua.Guest the Guest there

---@class guestlua.OfflineMigrateOptions
---@field destination_uri? string how the source host's libvirt reaches the destination's, as in "qemu+tcp://other/system"; nil: the URI that the destination was opened with
---@field timeout? number seconds for the whole workflow; after that it is taken back
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Moves a guest that is off to another host: it is defined there and here no more. Its disks have to be where both hosts have them: if the other host does not have one, or has another image of its name, the guest stays. A guest is refused that has something only on this host: a saved memory, a file of UEFI variables, a TPM's state, snapshots.
---@param guest guestlua.Guest the Guest; it must be off
---@param destination guestlua.Host the Host to move it to
---@param options? guestlua.OfflineMigrateOptions
---@return guestlua.OfflineMigrateResult
function workflow.offline_migrate(guest, destination, options) end

---@class guestlua.PruneResult
---@field pruned string[] ids of the backups that were removed; in a dry run: that would be
---@field merged string[]? ids of kept backups that others were merged into
---@field left table[]? files that stay although they should go: path, why; kind, if it is because of an error
---@field foreign string[]? paths of files in the directory that are of no backup; they are left alone

---@class guestlua.PruneOptions
---@field keep table {full=N, increments=M}: the newest N full backups, and the newest M increments over each; default: all of them; or {daily=, weekly=, monthly=}: the newest of each of so many days, weeks and months
---@field compress? string of images that are written anew: "zstd" or "zlib"; default: none
---@field encrypt? function|string|guestlua.Secret the passphrase: a function that returns it, the path of a file with it and nothing else, or a libvirt Secret
---@field unlock_time? integer milliseconds of the processor that unlocking an image takes, and each guess of a passphrase; a chain is unlocked image by image; default: 2000, as QEMU's; a long random passphrase is as safe with 10
---@field on_progress? function called often with {size, at, read, written}, in bytes, of each disk that is merged
---@field wait? number seconds to wait until nobody else works in the directory; default: 0, a "busy" error
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Removes backups that are not to be kept, and what a prune that was killed has left of such. A backup that a kept one needs is merged into it: the kept one's images are written anew, beside the old ones, compared with all checksums, and then take their place. An image that a guest of the host or another image uses stays. A prune that is killed leaves complete backups, and the next one goes on.
---@param host guestlua.Host the Host: images that its guests need stay
---@param directory string a guest's directory of backups
---@param options? guestlua.PruneOptions
---@return guestlua.PruneResult
function workflow.prune(host, directory, options) end

---@class guestlua.RebootResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long the workflow took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: the calls that were not made, as from guestlua.plan()
---@field restarted boolean true if it came up by itself
---@field asked integer how often the guest was asked to shut down
---@field forced boolean whether it was powered off
---@field reason string? libvirt's word for why it stopped, if it was reported

---@class guestlua.workflowRebootOptions
---@field timeout? number seconds for the guest to shut down; default 120
---@field retry_interval? number seconds after which it is asked again; default 10, at least 1
---@field force? boolean power it off if it has not shut down by then; with timeout=0 at once
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Shuts the guest down, as clean_shutdown does, and starts it again with its then current configuration. A guest that comes up again by itself is not started. If a step fails after the guest went down, it is still started before the error is raised.
---@param guest guestlua.Guest the Guest; it must run, and have a persistent configuration
---@param options? guestlua.workflowRebootOptions
---@return guestlua.RebootResult
function workflow.reboot(guest, options) end

---@class guestlua.RestoreResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long the workflow took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: the calls that were not made, as from guestlua.plan()
---@field uuid string the guest's UUID
---@field backup string the id of the backup that it was made from
---@field files table[] the disks' new files: target, path, format
---@field unchecked boolean? true: nothing was compared, since there are no checksums or no libnbd
---@field dropped string[]? targets of disks that the guest lacks, because they are not in the backup; "nvram": its UEFI variables are not, and it begins with new ones; "tpm": so does its TPM; "passwords": its consoles have none now

---@class guestlua.workflowRestoreOptions
---@field from string the guest's directory of backups
---@field at? string a backup's id, or a time in UTC, as in "2024-01-31T12:00:00Z" or "2024-01-31": the last backup by then, of a day by its end; default: the newest
---@field name? string make another guest of that name, with its own UUID, network addresses, and paths of sockets and logs; default: the same guest
---@field to? string a directory for the disks' files; default: where they were
---@field disks? table the files of single disks, for example {vda="/images/vda.qcow2"}
---@field encrypt? function|string|guestlua.Secret the passphrase: a function that returns it, the path of a file with it and nothing else, or a libvirt Secret
---@field start? boolean start it
---@field on_progress? function called often with {size, at, read, written}, in bytes
---@field timeout? number seconds for the whole workflow; after that it is taken back
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Makes a guest from a backup: its disks in new files, each without a backing file, and its configuration. Each block is compared with the checksum made when it was saved. No existing file is overwritten, and no existing guest is changed. If a step fails, neither the guest nor a file is left.
---@param host guestlua.Host the Host
---@param options? guestlua.workflowRestoreOptions
---@return guestlua.RestoreResult
function workflow.restore(host, options) end

---@class guestlua.ResumeResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long the workflow took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: the calls that were not made, as from guestlua.plan()
---@field clock boolean whether the guest's clock was set
---@field clock_error string? why not
---@field changed boolean whether anything was done
---@field how "launched"|"restored"|"unpaused"|"woken"|"running" what was done; restored: it had been suspended; woken: it was asleep; running: it ran already

---@class guestlua.workflowResumeOptions
---@field devices? string[] the `devices` that suspend returned; default: the host devices in its configuration
---@field timeout? number seconds until it has to run; default 60
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Resumes a suspended or paused guest: starts it from its saved memory, waits until it runs, attaches the host devices that it lacks, and sets its clock. A guest that was off and not saved is started; `how` says so. A running guest gets those of `devices` that it lacks, and is otherwise left alone.
---@param guest guestlua.Guest the Guest
---@param options? guestlua.workflowResumeOptions
---@return guestlua.ResumeResult
function workflow.resume(guest, options) end

---@class guestlua.SnapshotDeleteResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long the workflow took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: the calls that were not made, as from guestlua.plan()
---@field snapshots string[] the names of the deleted snapshots
---@field disks table[] their disks: target, images (the chain now, as the guest's description has it)

---@class guestlua.SnapshotDeleteOptions
---@field name string the snapshot's name
---@field children? boolean delete those that were taken after it too; default: they stay
---@field timeout? number seconds for the whole workflow; a merge that was begun is finished all the same
---@field bandwidth? integer MiB/s that a merge may use while the guest runs
---@field on_progress? function called with a merge's get_job_info() every half second
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Deletes an external snapshot. What the guest has written since is merged into the image with the snapshot's content, while the guest runs or, if it is off, by qemu-img; then the images that nobody needs any more are removed. It refuses if anything else is based on these images. A failure before the merge has the snapshot back; a merge that was begun is finished.
---@param guest guestlua.Guest the Guest
---@param options? guestlua.SnapshotDeleteOptions
---@return guestlua.SnapshotDeleteResult
function workflow.snapshot_delete(guest, options) end

---@class guestlua.SnapshotRevertResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long the workflow took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: the calls that were not made, as from guestlua.plan()
---@field snapshot string its name
---@field disks table[] the snapshot's disks: target, image (the new one), base (below it, with the snapshot's content)
---@field memory boolean whether the guest goes on from the snapshot's memory
---@field running boolean whether the guest was started

---@class guestlua.SnapshotRevertOptions
---@field name string the snapshot's name
---@field force? boolean power the guest off if it runs: what is in its memory is lost too; default: that is refused
---@field start? boolean start it afterwards; default: if it ran, or if the snapshot has its memory
---@field memory? boolean false: the guest boots from its disks, also if the snapshot has its memory
---@field timeout? number seconds for the whole workflow; after that it is taken back
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Puts the guest back to an external snapshot, which libvirt before 9.9 cannot: each disk of the snapshot gets a new image on top of the one with the snapshot's content, and the guest the configuration that it had then. What it has written since the snapshot is lost, unless a later snapshot has it. UEFI variables stay as they are. If a step fails, the guest has the disks and the configuration that it had.
---@param guest guestlua.Guest the Guest
---@param options? guestlua.SnapshotRevertOptions
---@return guestlua.SnapshotRevertResult
function workflow.snapshot_revert(guest, options) end

---@class guestlua.SnapshotThenCommitResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long the workflow took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: the calls that were not made, as from guestlua.plan()
---@field disks table[] the included disks: target, images (the chain now)
---@field during any the result of the option during
---@field left_out table[]? disks that were not included: target, why
---@field plain string[]? the targets of encrypted disks with data now stored unencrypted, as the option plain allows

---@class guestlua.SnapshotThenCommitOptions
---@field disks? string[] the targets of the disks, for example {"vda"}; nil: all writable disks
---@field quiesce? boolean freeze the guest's file systems during the snapshot; needs the guest agent
---@field during? function called between snapshot and commit, with the disks: a list of {target, base, overlay}
---@field on_failure? string if `during` fails: "commit" (default) keeps what the guest wrote; "rollback" throws it away: the guest is powered off and started again as it was at the snapshot
---@field plain? boolean store an encrypted disk's data in an unencrypted file; default: that is refused
---@field timeout? number seconds for the whole workflow without `during`; after that it is taken back
---@field bandwidth? integer MiB/s that the merge may use
---@field on_progress? function called with the merge's get_job_info() every half second
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Puts an overlay on the guest's disks, all at the same moment, calls `during` while the images below do not change, and merges the overlays back while the guest runs. If a step fails, the merge is still done before the error is raised.
---@param guest guestlua.Guest the Guest; it must run
---@param options? guestlua.SnapshotThenCommitOptions
---@return guestlua.SnapshotThenCommitResult
function workflow.snapshot_then_commit(guest, options) end

---@class guestlua.SuspendResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long the workflow took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: the calls that were not made, as from guestlua.plan()
---@field devices string[] the XML of the detached devices, for resume

---@class guestlua.workflowSuspendOptions
---@field detach? string[] aliases or disks' targets of further devices to detach before
---@field timeout? number seconds for the whole workflow; after that it is taken back
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Saves the guest's memory on its host and stops it; resume continues it from there. PCI devices of the host and mediated devices cannot be saved: they are detached from the running guest before. If a step fails the guest runs on and has its devices again.
---@param guest guestlua.Guest the Guest; it must run, and have a persistent configuration
---@param options? guestlua.workflowSuspendOptions
---@return guestlua.SuspendResult
function workflow.suspend(guest, options) end

---@class guestlua.SwapVolumeResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long the workflow took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: the calls that were not made, as from guestlua.plan()
---@field disk string the disk's target
---@field images string[] the disk's chain now, the topmost image first
---@field was string[] the chain before: the guest no longer uses its topmost image
---@field plain string[]? the targets of encrypted disks with data now stored unencrypted, as the option plain allows

---@class guestlua.SwapVolumeOptions
---@field resize_to? integer the disk's new size in bytes, at least its present size; nil: unchanged
---@field reuse_ext? boolean the volume exists already, for example in a pool, and nobody else has it; default: a file is made
---@field shallow? boolean copy the topmost image only: the copy needs the images below it
---@field plain? boolean store an encrypted disk's data in an unencrypted file; default: that is refused
---@field timeout? number seconds for the whole workflow; after that it is taken back
---@field bandwidth? integer MiB/s that the copy may use
---@field on_progress? function called with the copy's get_job_info() every half second
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Moves a disk of the running guest to another volume: copies it there, switches the guest to the copy, and updates its configuration. If a step before the move fails, the copy is removed and the guest keeps its disk; the error's outcome says which.
---@param guest guestlua.Guest the Guest; it must run
---@param disk string the disk's target, for example "vda"
---@param conf guestlua.Element|guestlua.StorageVol|string the new volume: a volume of a pool, which was made for it (reuse_ext); or a <disk> element, or its XML text
---@param options? guestlua.SwapVolumeOptions
---@return guestlua.SwapVolumeResult
function workflow.swap_volume(guest, disk, conf, options) end

---@class guestlua.VerifyResult
---@field id string the backup's id
---@field ok boolean whether every block is as saved
---@field read integer bytes read
---@field boot table? how it booted: agent_seconds until its agent answered; the command's exit_code, output, errors

---@class guestlua.VerifyOptions
---@field at? string a backup's id, or a time in UTC, as in "2024-01-31T12:00:00Z" or "2024-01-31": the last backup by then, of a day by its end; default: the newest
---@field all? boolean all backups in the directory
---@field encrypt? function|string|guestlua.Secret the passphrase: a function that returns it, the path of a file with it and nothing else, or a libvirt Secret
---@field boot? boolean start the guest that is in it, and throw it away
---@field command? string[] a program to run in that guest, and its arguments, which has to end with 0, for example {"systemctl", "is-active", "postgresql"}; default: {"/bin/sh", "-c", "exit"}
---@field boot_timeout? number seconds until the agent has to have answered and the command to be over; default: 300
---@field on_progress? function called often with {size, at, read, written}, in bytes, of each backup
---@field wait? number seconds to wait until nobody else works in the directory; default: 0, a "busy" error
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Reads backups, each disk through its whole chain, and compares every block with the checksums made when it was saved. It needs no libvirt. A difference is an error of kind "checksum_error", which names the disk and the place; its field `results` has all results. With boot=true the guest is also started from it, on a QEMU of its own without a network, and thrown away: if its agent does not answer, or the command fails, that is an error of kind "boot_failed", with the end of its `console`. The backup is not written to.
---@param directory string a guest's directory of backups
---@param options? guestlua.VerifyOptions
---@return guestlua.VerifyResult[]
function workflow.verify(directory, options) end

---@class guestlua.VolumeSnapshotCreateResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long the workflow took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: the calls that were not made, as from guestlua.plan()
---@field disk string the disk's target
---@field images string[] the disk's chain now, the topmost image first
---@field quiesced boolean whether the file systems were frozen
---@field snapshot_id string? the option snapshot_id
---@field plain string[]? the targets of encrypted disks with data now stored unencrypted, as the option plain allows

---@class guestlua.VolumeSnapshotCreateOptions
---@field new_file string the new image: a path, or a name in the directory of the present one
---@field type? string "qcow2"; there is no other
---@field snapshot_id? string the caller's name of the snapshot
---@field plain? boolean store an encrypted disk's data in an unencrypted file; default: that is refused
---@field quiesce? boolean true: the file systems must be frozen; false: they are not; nil: they are if possible
---@field timeout? number seconds for the whole workflow; after that it is taken back
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Puts a new image on top of a volume: the guest's later writes go there, and the images below do not change. The image must exist beside the volume's, as a qcow2 based on it. The file systems are frozen meanwhile if possible.
---@param guest guestlua.Guest the Guest; it must run
---@param volume_id string the serial of the volume's disk, or its target
---@param options? guestlua.VolumeSnapshotCreateOptions
---@return guestlua.VolumeSnapshotCreateResult
function workflow.volume_snapshot_create(guest, volume_id, options) end

---@class guestlua.VolumeSnapshotDeleteResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long the workflow took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: the calls that were not made, as from guestlua.plan()
---@field disk string the disk's target
---@field images string[] the disk's chain now, the topmost image first
---@field plain string[]? the targets of encrypted disks with data now stored unencrypted, as the option plain allows

---@class guestlua.VolumeSnapshotDeleteOptions
---@field file_to_merge? string the image to merge down; without merge_target_file the topmost image's new base, nil: none, everything is pulled up
---@field merge_target_file? string the image to merge into
---@field type? string "qcow2"; there is no other
---@field plain? boolean store an encrypted disk's data in an unencrypted file; default: that is refused
---@field timeout? number seconds for the whole workflow; after that the merge is ended
---@field bandwidth? integer MiB/s that the merge may use
---@field on_progress? function called with the merge's get_job_info() every half second
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Merges an image of a volume away while the guest runs. With merge_target_file, file_to_merge is merged down into that image; without, the images between the topmost and file_to_merge are pulled up into the topmost. The image's file is not removed. It refuses to merge into an image that another guest or a snapshot needs. If a step fails the chain is intact, and the merge can be asked for again.
---@param guest guestlua.Guest the Guest; it must run
---@param volume_id string the serial of the volume's disk, or its target
---@param options? guestlua.VolumeSnapshotDeleteOptions
---@return guestlua.VolumeSnapshotDeleteResult
function workflow.volume_snapshot_delete(guest, volume_id, options) end

return guestlua
