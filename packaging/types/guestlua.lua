---@meta guestlua
-- Made by `make doc` from the source; changes here are lost.

---The module: what `require "guestlua"` gives, a global in scripts.
---@class guestlua
---@field BlockDevice guestlua.BlockDevice
---@field Element guestlua.Element
---@field Error guestlua.Error
---@field Group guestlua.Group
---@field Guard guestlua.Guard
---@field Guest guestlua.Guest
---@field Host guestlua.Host
---@field Progress guestlua.Progress
---@field Signal guestlua.Signal
---@field Subscription guestlua.Subscription
---@field Task guestlua.Task
---@field block_job_type table<integer, string>
---@field device table<string, fun(fields?: table): guestlua.Element> device.disk{…} is element("disk", {…})
---@field job_type table<integer, string>
---@field log guestlua.log
---@field power_state { CRASHED: integer, NOSTATE: integer, PAUSED: integer, RUNNING: integer, SHUTDOWN: integer, SUSPENDED: integer }
---@field version { guestlua: string, libuv: string, libvirt: string, libvirt_compiled: string, libxml2: string, lua: string }
---@field workflow guestlua.workflow
---@field default_uri? string what open() takes without an argument: the command's -c
---@field default_readonly? boolean whether open() is read-only where nothing is said: the command's -r
guestlua = {}

---How many tasks, calls in flight, connections, guests and subscriptions there are: what a program that should hold none can check.
---@return table # a table: tasks, ops, hosts, guests, subscriptions
function guestlua.alive() end

---@class guestlua.CallOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised; default: no limit

---Waits until the guest's agent answers: then its system is up. A guest that has no agent configured, or is off, is an error at once.
---@param guest guestlua.Guest the Guest; it must run
---@param options? guestlua.CallOptions
---@return number # the seconds that it took
function guestlua.await_agent(guest, options) end

---dry_run(true): from now on calls that change something are written to the log and not made; the script is told that they succeeded where that is all that they say, and gets an error of kind "dry_run" where it is not. New connections are read-only. There is no way back. The command's --dry-run.
---@param on? boolean true; nil: only asks
---@return boolean # whether this is a dry run
function guestlua.dry_run(on) end

---Makes an Element: of XML text, or of a name and a table. In the table scalars are attributes, tables (and Elements) are child elements, a list repeats the element, and [1] is the text.
---@param name string the element's name, or XML text
---@param fields? any the table; nil: `name` is XML text
---@return guestlua.Element
function guestlua.element(name, fields) end

---Opens libvirt's QEMU driver inside this process: no daemon, no root. Makes the directory and the qemu.conf in it where they are missing.
---@param dir string the directory that the driver keeps its state in; one a process
---@return guestlua.Host
function guestlua.embedded(dir) end

---Makes the directory fit for libvirt's embedded QEMU driver (no daemon, no root) and gives its URI. guestlua.embedded(dir) opens it too.
---@param dir string the directory that the driver keeps its state in, at most 49 characters (29 for long names of guests); made where it is missing. One a process, and one process a directory
---@return string # string: the URI
function guestlua.embedded_uri(dir) end

---@class guestlua.GroupOptions
---@field limit? integer how many of its tasks may run at a time; nil: all

---Makes a group of tasks: local group <close> = guestlua.group{limit=8}. The first task that fails cancels the others and its error is raised once, by group:wait() or at the end of the scope; leaving the scope cancels what still runs and waits for it.
---@param options? guestlua.GroupOptions
---@return guestlua.Group # Group: spawn(fn, …), wait(), cancel()
function guestlua.group(options) end

---Whether an open file is a terminal.
---@param file any an open file, as io.stdout
---@return boolean
function guestlua.isatty(file) end

---@class guestlua.JournalOptions
---@field dir? string a directory, made if it is missing; default: $XDG_STATE_HOME/guestlua/journal, or ~/.local/state/guestlua/journal, or /var/lib/guestlua for root without a home

---Sets the directory of the workflows' journal, before the first workflow: guestlua.journal{dir=…}. Whoever recovers needs the same one. Its files are for this user only, because they hold configurations with their secrets.
---@param options? guestlua.JournalOptions
---@return string # the directory
function guestlua.journal(options) end

---@class guestlua.MapOptions
---@field limit? integer how many calls may run at a time; nil: all

---Calls fn(value, index) for each value of a list, in tasks of a group.
---@param list table the values
---@param fn function called with each value and its index
---@param options? guestlua.MapOptions
---@return table # a table: what each call returned first, at the value's index
function guestlua.map(list, fn, options) end

---Seconds on a clock that only goes forward; only differences mean something.
---@return number
function guestlua.now() end

---@class guestlua.OpenOptions
---@field readonly? boolean open it read-only: calls that change something are refused by libvirt
---@field no_aliases? boolean take the URI as it is: it is no alias of libvirt.conf's; libvirt has that for connections to a daemon
---@field keepalive? integer seconds between keepalive probes, default: 5, 0: none; after 6 without an answer the connection is given up
---@field reconnect? boolean open it again where it is lost, as often as it takes; each subscription then gets an event "reconnected", as what happened meanwhile was not heard. Calls made while it is lost fail
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Connects to libvirt.
---@param uri? string libvirt's connection URI; nil: guestlua.default_uri (the command's -c), then $LIBVIRT_DEFAULT_URI, then libvirt's own default
---@param options? guestlua.OpenOptions
---@return guestlua.Host
function guestlua.open(uri, options) end

---@class guestlua.PlanResult
---@field call string? libvirt's function, or "make_image" and the like for what is none
---@field op string? the method that was called
---@field host string the host's URI
---@field guest string? the guest's name
---@field device string? what the device is known by
---@field arguments table? the arguments, by name
---@field refused true? the script got an error, because nobody knows what would come back
---@field workflow string? the workflow that it belongs to
---@field step string? the workflow's step
---@field undoing true? the workflow had failed
---@field waits_for string? what would be waited for after it

---What a dry run has not done so far, in its order: what the script would change. The command's --dry-run prints it in the end. A workflow returns its own part as `plan`.
---@return guestlua.PlanResult[]
function guestlua.plan() end

---@class guestlua.ProgressOptions
---@field total? number how many bytes there are; update may say it later

---Shows how far something is, on standard error: local progress <close> = guestlua.progress("commit vda"). On a terminal that is a line with a bar, per cent, bytes, rate and time left, below what the script prints, one for each that is open; elsewhere a line every five seconds.
---@param label string what it is of
---@param options? guestlua.ProgressOptions
---@return guestlua.Progress
function guestlua.progress(label, options) end

---@class guestlua.RecoverResult
---@field id string the run's, as `guestlua recover --forget` takes it
---@field workflow string the workflow or guard
---@field guest string the guest's name
---@field step string how far the run had come
---@field outcome string? what was done
---@field error guestlua.Error? why it is set aside
---@field problem string? why the entry was not looked at: damaged, of another version, user or machine
---@field left table[]? files that stay: path, why

---@class guestlua.RecoverOptions
---@field guest? string the name or UUID of the only guest to recover
---@field adopt? boolean also take over runs that cannot be seen from here, as of another machine: only if they are over for good

---Finds what killed runs of workflows and killed guards left on the guests of a host (an overlay, a job, frozen file systems, a paused guest) and finishes it or takes it back, going by what is true now. Runs that go on are left alone. Calling it twice changes nothing more. What cannot be settled stays in the journal, set aside with its reason, and is tried again next time; the first time it is raised in the end, with all results in the error's field `results`.
---@param host guestlua.Host the Host
---@param options? guestlua.RecoverOptions
---@return guestlua.RecoverResult[]
function guestlua.recover(host, options) end

---@class guestlua.RunOptions
---@field args? table a list of its arguments, all strings
---@field input? string what it reads from standard input; default: nothing
---@field timeout? number seconds; a program that is not over by then is ended, and an error of kind "timeout" is raised, with what it had printed in `output` and `errors`
---@field cwd? string the directory that it starts in
---@field env? table environment variables that it gets in addition, as in {LANG = "C"}; false takes one away

---Runs a program of this host, as os.execute and io.popen do, while the other tasks go on. There is no shell in between. If its task is cancelled or its time is over, the program and all that it started get SIGTERM, and SIGKILL two seconds later. A dry run starts none.
---@param program string the program; without a slash in it PATH is searched
---@param options? guestlua.RunOptions
---@return integer code
---@return string output
---@return string errors
function guestlua.run(program, options) end

---Makes a Signal.
---@return guestlua.Signal
function guestlua.signal() end

---Waits, and lets other tasks run meanwhile.
---@param seconds number how long, from 0 up
function guestlua.sleep(seconds) end

---Starts a task, which runs fn(…) beside this one: while one of them waits for libvirt, the other goes on.
---@param fn any the function
---@param ... any its arguments
---@return guestlua.Task
function guestlua.spawn(fn, ...) end

---Calls fn(…) and cancels it after `seconds`: its to-be-closed variables undo what they guard, and then an error of kind "timeout" is raised, with still_running = true where a call goes on in libvirt.
---@param seconds number how long it may take
---@param fn function the function
---@param ... any its arguments
---@return any ...
function guestlua.timeout(seconds, fn, ...) end

---A connection to libvirt: guestlua.open makes one.
---@class guestlua.Host: userdata
---@field hostname string The name of the machine that the guests run on.
---@field libvirt_version string The version of the libvirt at the other end of the connection.
---@field uri string The URI of the connection, as libvirt completed it.
local Host = {}

---Closes the connection and all guests and subscriptions of it: what is used afterwards fails with an error of kind "closed". Calls under way are not disturbed. Closing twice is harmless.
---
---libvirt: `virConnectClose`
function Host:close() end

---For a loop: for event in object:events{"lifecycle", "block_job_2", timeout=60} do. Hears of the named events from this call on, until the loop is left or the time is over. What is dropped because nobody fetched it is told as an event "lost" with its count.
---@param names table the events' names, and the option timeout: seconds for the whole loop
---@return fun(): table
function Host:events(names) end

---@class guestlua.GuestOptions
---@field required? boolean raise an error of kind "no_domain" if there is none, so that no nil goes on into the script
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Looks up a guest by its name or its UUID.
---
---libvirt: `virDomainLookupByName`
---@param name_or_uuid string the guest's name or UUID; a name that reads like a UUID is looked up as a UUID first
---@param options? guestlua.GuestOptions
---@return guestlua.Guest? # Guest, or nil if there is none
function Host:guest(name_or_uuid, options) end

---@class guestlua.GuestsOptions
---@field active? boolean only those that run, or only those that do not
---@field persistent? boolean only those with a persistent configuration, or only those without
---@field running? boolean those that run; with others of these four, those in any of the states
---@field paused? boolean those that are paused
---@field shutoff? boolean those that are off
---@field other? boolean those in any other state
---@field managed_save? boolean only those whose memory is saved on the host, or only the others
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

---@class guestlua.IsAliveOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Whether the connection is there still.
---
---libvirt: `virConnectIsAlive`
---@param options? guestlua.IsAliveOptions
---@return boolean
function Host:is_alive(options) end

---Calls fn(event) for each such event from now on, one after the other, in a task of its own. An error in fn is written to standard error, and the next event is handled all the same.
---@param name string the event's name
---@param fn function called with each event
---@return guestlua.Subscription # a Subscription: its close() ends it, and so does closing the connection
function Host:on(name, fn) end

---@class guestlua.ReconnectOptions
---@field gap? number how many seconds the connection was lost, for the event "reconnected"
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Reopens a lost connection. Guests and subscriptions move to it, and each subscription gets an event "reconnected", because it missed what happened in between. guestlua.open(uri, {reconnect=true}) does this by itself.
---
---libvirt: `virConnectOpen`
---@param options? guestlua.ReconnectOptions
function Host:reconnect(options) end

---@class guestlua.SubscribeOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Hears of an event from now on. Subscribe before the call that causes the event, or it may be missed.
---
---libvirt: `virConnectDomainEventRegisterAny`
---@param events integer|string[] an event's name, or a list of them
---@param options? guestlua.SubscribeOptions
---@return guestlua.Subscription # a Subscription: its next(timeout) gives one event after the other
function Host:subscribe(events, options) end

---@class guestlua.WaitEventOptions
---@field match? function called with each such event: whether it is the one
---@field timeout? number seconds to wait at most

---Waits for an event of that name. Where a call causes the event, subscribe before it and wait on the Subscription instead: an event that came before is missed.
---@param name string the event's name
---@param options? guestlua.WaitEventOptions
---@return table # the event; an error of kind "timeout" where none came in time
function Host:wait_event(name, options) end

---@class guestlua.WriteInstanceConfigOptions
---@field validate? boolean libvirt checks it against its schema, and drops nothing in silence that it does not know (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Defines a guest, or redefines the one of the same UUID. It is not started. With an option it is virDomainDefineXMLFlags.
---
---libvirt: `virDomainDefineXML`
---@param xml guestlua.Element|string the guest's configuration, a <domain> element
---@param options? guestlua.WriteInstanceConfigOptions
---@return guestlua.Guest
function Host:write_instance_config(xml, options) end

---A virtual machine: libvirt's domain. host:guest, host:guests and Guest.create make one.
---@class guestlua.Guest: userdata
---@field host guestlua.Host The connection that the guest was found on.
---@field id integer The number of the running guest, -1 where it did not run when it was looked up.
---@field name string The guest's name.
---@field uuid string The guest's UUID, 36 characters. Still there when the guest itself is gone.
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
---@field agent_timeout? integer seconds that libvirt waits for the answer, 0: it does not; default: 5
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sends a command to the QEMU guest agent. For running programs in the guest there is guest:exec.
---
---libvirt: `virDomainQemuAgentCommand`
---@param command string the command, JSON: {"execute": …}
---@param options? guestlua.AgentCommandOptions
---@return string # string: the answer, JSON
function Guest:agent_command(command, options) end

---@class guestlua.AgentSetResponseTimeoutOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---How long libvirt waits for the guest agent's answer to any command but agent_command. The setting is per guest and shared by all clients: guest:frozen{timeout=…} sets it and sets it back.
---
---libvirt: `virDomainAgentSetResponseTimeout`
---@param seconds? integer seconds, 0: it does not wait; nil: no limit (libvirt's default)
---@param options? guestlua.AgentSetResponseTimeoutOptions
function Guest:agent_set_response_timeout(seconds, options) end

---@class guestlua.AnnounceSelfOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Makes QEMU tell the network again where the guest's interfaces are.
---
---libvirt: `virDomainQemuMonitorCommand`
---@param options? guestlua.AnnounceSelfOptions
function Guest:announce_self(options) end

---@class guestlua.AttachDeviceOptions
---@field persistent? boolean change the persistent configuration
---@field live? boolean change the running guest
---@field validate? boolean check it against libvirt's schema first: libvirt drops in silence what it does not know (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Gives the guest a device. With neither option its current state changes: the running guest, or the configuration of one that does not.
---
---libvirt: `virDomainAttachDeviceFlags`
---@param conf guestlua.Element|string the device
---@param options? guestlua.AttachDeviceOptions
function Guest:attach_device(conf, options) end

---@class guestlua.AttachedOptions
---@field persistent? boolean in the configuration that it is started with
---@field live? boolean in the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Attaches a device for a scope: local attached <close> = guest:attached(device, {live=true}). It is detached on every way out of it, and that is waited for; attached:keep() leaves it with the guest.
---@param conf any the device: an Element or XML text
---@param options? guestlua.AttachedOptions
---@return guestlua.Guard
function Guest:attached(conf, options) end

---Lets go of the guest before the garbage collector does; the guest itself is not touched. Closing twice is harmless.
function Guest:close() end

---@class guestlua.CreateOptions
---@field validate? boolean check it against libvirt's schema first: element:validate()
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Guest.create(xml, host): defines a guest, ready to be launched. A function of the class, called with a dot.
---@param xml any the configuration: an Element or XML text
---@param host guestlua.Host the Host to define it on
---@param options? guestlua.CreateOptions
---@return guestlua.Guest
function Guest.create(xml, host, options) end

---@class guestlua.DeleteConfigurationOptions
---@field support_uefi? boolean delete the UEFI variables (NVRAM) too; libvirt refuses to undefine a UEFI guest without
---@field keep_vtpm? boolean keep the state of the virtual TPM (libvirt 8.9); implies support_uefi
---@field keep_nvram? boolean keep the UEFI variables
---@field nvram? boolean delete the UEFI variables (NVRAM), as support_uefi does (not in the reference)
---@field tpm? boolean delete the state of the virtual TPM (libvirt 8.9; not in the reference)
---@field snapshots_metadata? boolean forget its snapshots too; libvirt refuses to undefine a guest that does not run and has some without (not in the reference)
---@field checkpoints_metadata? boolean forget its checkpoints, which backups leave, too; libvirt refuses as for snapshots (not in the reference)
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

---Takes a device from the guest. A running guest is asked to let go of it: the device may still be there when the call is over, and stays where the guest does not answer; detach_device_with_retry sees to that. If there is none the error's kind is "device_not_found".
---
---libvirt: `virDomainDetachDeviceFlags`
---@param conf guestlua.Element|string the device
---@param options? guestlua.DetachDeviceOptions
function Guest:detach_device(conf, options) end

---@class guestlua.DetachDeviceWithRetryOptions
---@field max_retry_count? integer how often to ask again; default: 7, -1: for ever
---@field inc_sleep_time? number seconds that each pause is longer than the one before; default: 2
---@field max_sleep_time? number seconds of the longest pause; default: 30

---Asks the guest to let go of a device, and gives a function that waits until it did, asking again with growing pauses. The function raises an error of kind "device_detach_failed" when the guest did not let go, and "device_not_found" where libvirt says that there is no such device; its counter goes on when it is called again.
---@param get_device_conf_func function called with `device`: the device's configuration as it is now, nil when it is gone
---@param device any what get_device_conf_func knows the device by
---@param persistent boolean take it out of the persistent configuration too
---@param live boolean take it from the running guest
---@param options? guestlua.DetachDeviceWithRetryOptions
---@return fun() # a function without arguments, which waits
function Guest:detach_device_with_retry(get_device_conf_func, device, persistent, live, options) end

---@class guestlua.DisksResult
---@field name string its device in the guest
---@field partition boolean whether it is a partition
---@field dependency table[]? what it is made of: name
---@field alias string? the alias of the device in the guest's configuration
---@field guest_alias string? another name that the guest has for it
---@field guest_bus string? the bus that the guest sees it on
---@field serial string? its serial number
---@field device string? its device node, as on S390

---@class guestlua.DisksOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The disks and partitions as the guest sees them. By virDomainGetGuestInfo; what a guest says of itself it can make up.
---@param options? guestlua.DisksOptions
---@return guestlua.DisksResult[]
function Guest:disks(options) end

---Lets the bridge ports of the guest's interfaces send what they received back out of the same port. Writes to /sys of this machine, so the guest has to run here, and it needs root. An interface that is on no bridge is left alone.
function Guest:enable_hairpin() end

---For a loop: for event in object:events{"lifecycle", "block_job_2", timeout=60} do. Hears of the named events from this call on, until the loop is left or the time is over. What is dropped because nobody fetched it is told as an event "lost" with its count.
---@param names table the events' names, and the option timeout: seconds for the whole loop
---@return fun(): table
function Guest:events(names) end

---@class guestlua.ExecOptions
---@field args? table a list of its arguments
---@field input? string what it reads from standard input
---@field cwd? string the directory that it runs in; default: the agent's
---@field env? table variables for it, by name, beside the agent's
---@field max_output? integer how many bytes of either output are wanted; default 16 MiB
---@field secret? any a string, or a list of strings, that args have in them and that must not be seen: they are masked in whatever guestlua prints from now on; input always is
---@field timeout? number seconds; after that the program is killed, with what it started, and an error of kind "timeout" is raised

---Runs a program in the guest through the guest agent, and waits for its end. What it prints goes to files in the guest's /tmp and comes in pieces, as libvirt gives up an agent whose answer is over 10 MB; a guest without /bin/sh answers at once. Kinds of errors: no_program, no_directory, timeout.
---@param path string the program; with no path the guest's PATH is searched
---@param options? guestlua.ExecOptions
---@return integer code
---@return string output
---@return string errors
---@return table how
function Guest:exec(path, options) end

---@class guestlua.FilesystemsResult
---@field mountpoint string where it is mounted
---@field name string its device in the guest
---@field fstype string as in "ext4"
---@field total_bytes integer? its size
---@field used_bytes integer? how much of it is used
---@field disk table[] the disks that it is on: alias, serial, device

---@class guestlua.FilesystemsOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The file systems that are mounted in the guest. By virDomainGetGuestInfo; what a guest says of itself it can make up.
---@param options? guestlua.FilesystemsOptions
---@return guestlua.FilesystemsResult[]
function Guest:filesystems(options) end

---@class guestlua.FreezeFilesystemsOptions
---@field mountpoints? string[] these alone; default: all (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Freezes the guest's file systems: what the guest writes waits until thaw_filesystems().
---
---libvirt: `virDomainFSFreeze`
---@param options? guestlua.FreezeFilesystemsOptions
function Guest:freeze_filesystems(options) end

---@class guestlua.FrozenOptions
---@field timeout? number seconds that the freeze may take; then the guest is thawed, and an error of kind "timeout" is raised

---Freezes the guest's file systems for a scope: local frozen <close> = guest:frozen(). They are thawed on every way out of it, also if the freeze itself fails half-way, and if this process dies. frozen:close() thaws before, frozen:keep() leaves them frozen. An agent that does not answer is an error before anything is frozen.
---@param options? guestlua.FrozenOptions
---@return guestlua.Guard
function Guest:frozen(options) end

---@class guestlua.GetAllDevicesOptions
---@field from_persistent_config? boolean look into the persistent configuration, not at the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The guest's devices, all of them or those of one kind, in the order of the configuration.
---
---libvirt: `virDomainGetXMLDesc`
---@param devtype? string an element's name, as in "disk", or a class of the reference, as in "LibvirtConfigGuestDisk"
---@param options? guestlua.GetAllDevicesOptions
---@return guestlua.Element[]
function Guest:get_all_devices(devtype, options) end

---@class guestlua.GetAllDisksOptions
---@field from_persistent_config? boolean look into the persistent configuration, not at the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The guest's disks: get_all_devices("disk").
---
---libvirt: `virDomainGetXMLDesc`
---@param options? guestlua.GetAllDisksOptions
---@return guestlua.Element[]
function Guest:get_all_disks(options) end

---One disk of the guest. Whether the guest has such a disk is not looked at here: the first call on it tells.
---@param disk string the disk's target, as in "vda", or the path of its source
---@return guestlua.BlockDevice
function Guest:get_block_device(disk) end

---@class guestlua.GetConfigOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The guest's whole configuration.
---
---libvirt: `virDomainGetXMLDesc`
---@param options? guestlua.GetConfigOptions
---@return guestlua.Element
function Guest:get_config(options) end

---@class guestlua.GetDeviceByAliasOptions
---@field devtype? string look at this kind of devices only, as in get_all_devices
---@field from_persistent_config? boolean look into the persistent configuration, not at the running guest
---@field required? boolean raise an error of kind "device_not_found" if there is none, so that no nil goes on into the script
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The device of that alias.
---
---libvirt: `virDomainGetXMLDesc`
---@param devalias string the device's alias, as in "ua-mydisk"
---@param options? guestlua.GetDeviceByAliasOptions
---@return guestlua.Element? # Element, or nil if there is none
function Guest:get_device_by_alias(devalias, options) end

---@class guestlua.GetDiskOptions
---@field from_persistent_config? boolean look into the persistent configuration, not at the running guest
---@field required? boolean raise an error of kind "device_not_found" if there is none, so that no nil goes on into the script
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---One disk's element: the one whose target is `device`, or if there is none the one whose source file it is.
---
---libvirt: `virDomainGetXMLDesc`
---@param device string the disk's target, as in "vda", or the file of its source
---@param options? guestlua.GetDiskOptions
---@return guestlua.Element? # Element, or nil if there is none
function Guest:get_disk(device, options) end

---@class guestlua.GetDiskErrorsOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Which disks of the running guest had an error that stopped it. Not in the reference.
---
---libvirt: `virDomainGetDiskErrors`
---@param options? guestlua.GetDiskErrorsOptions
---@return table<string, string>
function Guest:get_disk_errors(options) end

---@class guestlua.GetGuestInfoOptions
---@field users? boolean who is logged in
---@field os? boolean its operating system
---@field timezone? boolean its time zone
---@field hostname? boolean its host name
---@field filesystems? boolean its file systems that are mounted
---@field disks? boolean its disks, as it sees them
---@field interfaces? boolean its network interfaces and their addresses
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---What the guest agent knows of the system inside, under libvirt's own names, as in ["os.name"] and ["fs.0.mountpoint"]; without an option all that it knows. guest:os_info(), users(), filesystems(), disks() and interfaces() give it as tables. What a guest says of itself it can make up.
---
---libvirt: `virDomainGetGuestInfo`
---@param options? guestlua.GetGuestInfoOptions
---@return table # a table from name to value
function Guest:get_guest_info(options) end

---@class guestlua.GetInfoOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The guest's power state and size. `state` is a value of guestlua.power_state; `domain_state` is libvirt's own word for it.
---
---libvirt: `virDomainGetInfo`
---@param host? any taken for the reference's sake; the guest knows its host
---@param options? guestlua.GetInfoOptions
---@return table # a table: state, domain_state, internal_id, id, max_mem_kb and mem_kb (KiB), num_cpu, cpu_time_ns
function Guest:get_info(host, options) end

---@class guestlua.GetInterfaceByCfgOptions
---@field from_persistent_config? boolean look into the persistent configuration, not at the running guest
---@field required? boolean raise an error of kind "device_not_found" if there is none

---The guest's network interface, or PCI device, that is the one described, however libvirt shows it: an interface by its alias, address, MAC address, source and, if cfg has one, target; a PCI device by its address on the host. An error of kind "device_ambiguous" names those that fit where it is more than one.
---@param cfg? any what to look for: an Element or XML text
---@param options? guestlua.GetInterfaceByCfgOptions
---@return guestlua.Element? # Element, or nil where there is none, and for a cfg of nil
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

---The names that the guest's network interfaces have on the host.
---
---libvirt: `virDomainGetXMLDesc`
---@param options? guestlua.GetInterfacesOptions
---@return string[] # a list of strings, as in "vnet0"; an interface without a name is left out
function Guest:get_interfaces(options) end

---@class guestlua.GetJobInfoOptions
---@field completed? boolean of the last job that is over, once (not in the reference)
---@field keep_completed? boolean with completed: it can be asked for again (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Progress of the guest's job, for example a migration. For a disk's job see disk:get_job_info(). If the guest is gone or off, the job is reported as completed.
---
---libvirt: `virDomainGetJobStats`
---@param options? guestlua.GetJobInfoOptions
---@return table # JobInfo, a table: job_type (libvirt's word: "none", "bounded", "unbounded", "completed", "failed" or "cancelled"), type (its number, as the reference has it), operation (what the job is for, "migration_out", "save", "backup" …; nil if that is not said); times in ms: time_elapsed, time_remaining, downtime, setup_time; bytes: data_, memory_ and disk_ each with total, processed and remaining; memory_iteration, memory_constant, memory_normal, memory_normal_bytes, memory_bps, disk_bps, comp_cache, comp_bytes, comp_pages, comp_cache_misses, comp_overflow
function Guest:get_job_info(options) end

---@class guestlua.GetMetadataOptions
---@field uri? string its namespace; default: http://openstack.org/xmlns/libvirt/nova/1.1
---@field persistent? boolean from the persistent configuration
---@field live? boolean from the running guest
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---What set_metadata keeps. Not in the reference.
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
---@param host? any taken for the reference's sake; the guest knows its host
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

---The names of the snapshots that libvirt remembers of the guest. Not in the reference.
---
---libvirt: `virDomainListAllSnapshots`
---@param options? guestlua.GetSnapshotNamesOptions
---@return string[]
function Guest:get_snapshot_names(options) end

---@class guestlua.GetStateOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---libvirt's own word for the state that the guest is in, and for why: "paused" and "ioerror", "shutoff" and "crashed". A value that is newer than guestlua is a number.
---
---libvirt: `virDomainGetState`
---@param options? guestlua.GetStateOptions
---@return string state
---@return string reason
function Guest:get_state(options) end

---@class guestlua.GetVcpusOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The running guest's processors, as a list; get_vcpus_info iterates over it.
---
---libvirt: `virDomainGetVcpus`
---@param options? guestlua.GetVcpusOptions
---@return table[] # a list of VCPUInfo: id, cpu (the host's processor, -1: none), vcpu_state ("offline", "running" or "blocked"), state (its number, as the reference has it), time (ns)
function Guest:get_vcpus(options) end

---Iterates over the running guest's processors: `for vcpu in guest:get_vcpus_info() do`. libvirt is asked when the first is asked for.
---@return fun(): table
function Guest:get_vcpus_info() end

---@class guestlua.GetXmlDescOptions
---@field dump_inactive? boolean what the guest will be at its next start, not what it is now
---@field dump_sensitive? boolean with passwords in it
---@field dump_migratable? boolean fit for the destination of a migration
---@field update_cpu? boolean with the host's processor as the guest would get it (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The guest's configuration.
---
---libvirt: `virDomainGetXMLDesc`
---@param options? guestlua.GetXmlDescOptions
---@return string # string: XML
function Guest:get_xml_desc(options) end

---@class guestlua.HasPersistentConfigurationOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Whether the host keeps the guest's configuration when the guest stops.
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
---@field name string as in "eth0"
---@field hwaddr string? the MAC address
---@field addr table[]? the addresses: type ("ipv4" or "ipv6"), addr, prefix

---@class guestlua.InterfacesOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The network interfaces in the guest, with the addresses that they have there. By virDomainGetGuestInfo; what a guest says of itself it can make up.
---@param options? guestlua.InterfacesOptions
---@return guestlua.InterfacesResult[]
function Guest:interfaces(options) end

---@class guestlua.IsActiveOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Whether the guest runs; a paused guest does.
---
---libvirt: `virDomainIsActive`
---@param options? guestlua.IsActiveOptions
---@return boolean
function Guest:is_active(options) end

---@class guestlua.LaunchOptions
---@field pause? boolean leave its processors paused: guest:resume() lets it run
---@field autodestroy? boolean it ends with this connection (not in the reference)
---@field bypass_cache? boolean read a managed save image past the host's file cache (not in the reference)
---@field force_boot? boolean drop a managed save image, and boot (not in the reference)
---@field validate? boolean check the configuration against libvirt's schema, for drivers that make one anew (not in the reference)
---@field reset_nvram? boolean make the UEFI variables anew (libvirt 8.1; not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Starts the guest.
---
---libvirt: `virDomainCreateWithFlags`
---@param options? guestlua.LaunchOptions
---@return integer
function Guest:launch(options) end

---@class guestlua.MigrateOptions
---@field migrate_uri? string where the data goes, as in "tcp://192.0.2.1"
---@field migrate_disks? string[] the targets of the disks to copy; without any, the flag non_shared_inc is taken away, because libvirt would copy all disks
---@field destination_xml? guestlua.Element|string the configuration there
---@field flags? integer|string[] libvirt's flags, an integer or a list of names; QEMU needs "peer2peer"
---@field bandwidth? integer MiB/s at most; 0: no limit
---@field parallel? integer how many connections; more than 1 needs the flag parallel
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Moves the guest to another host, and comes back when it is there. get_job_info tells how far it is, abort_job ends it. Where the wait is interrupted (Ctrl-C) or cancelled it is aborted.
---
---libvirt: `virDomainMigrateToURI3`
---@param destination string the other host's libvirt, as in "qemu+tcp://other/system"
---@param options? guestlua.MigrateOptions
function Guest:migrate(destination, options) end

---@class guestlua.MigrateConfigureMaxDowntimeOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets how long the guest may stand still at the end of its live migration.
---
---libvirt: `virDomainMigrateSetMaxDowntime`
---@param mstime integer milliseconds that the guest may stand still at the end of a live migration
---@param options? guestlua.MigrateConfigureMaxDowntimeOptions
function Guest:migrate_configure_max_downtime(mstime, options) end

---@class guestlua.MigrateStartPostcopyOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lets a migration that was begun with the flag postcopy go on with the guest already running there: it ends surely, and cannot be aborted.
---
---libvirt: `virDomainMigrateStartPostCopy`
---@param options? guestlua.MigrateStartPostcopyOptions
function Guest:migrate_start_postcopy(options) end

---Calls fn(event) for each such event from now on, one after the other, in a task of its own. An error in fn is written to standard error, and the next event is handled all the same.
---@param name string the event's name
---@param fn function called with each event
---@return guestlua.Subscription # a Subscription: its close() ends it, and so does closing the connection
function Guest:on(name, fn) end

---@class guestlua.OsInfoResult
---@field id string? as the agent calls it
---@field name string? as the agent calls it
---@field pretty_name string? as the agent calls it
---@field version string? as the agent calls it
---@field version_id string? as the agent calls it
---@field kernel_release string? as the agent calls it
---@field kernel_version string? as the agent calls it
---@field machine string? as the agent calls it
---@field variant string? as the agent calls it
---@field variant_id string? as the agent calls it

---@class guestlua.OsInfoOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The operating system in the guest, as its agent says. What the guest does not say is nil. By virDomainGetGuestInfo; what a guest says of itself it can make up.
---@param options? guestlua.OsInfoOptions
---@return guestlua.OsInfoResult
function Guest:os_info(options) end

---@class guestlua.PauseOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Stops the guest's processors; its memory stays.
---
---libvirt: `virDomainSuspend`
---@param options? guestlua.PauseOptions
function Guest:pause(options) end

---@class guestlua.PausedOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Pauses the guest for a scope: local paused <close> = guest:paused(). It runs again on every way out of it; one that was paused before stays so.
---@param options? guestlua.PausedOptions
---@return guestlua.Guard
function Guest:paused(options) end

---@class guestlua.PmWakeupOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Wakes a guest that sleeps: its state is "pmsuspended", and resume() does not help. Returns when it is told to, not when it is awake.
---
---libvirt: `virDomainPMWakeup`
---@param options? guestlua.PmWakeupOptions
function Guest:pm_wakeup(options) end

---@class guestlua.PoweroffOptions
---@field graceful? boolean fail where the emulator does not end by itself, so that it has written all that it was told to (not in the reference)
---@field remove_logs? boolean remove the logs of the guest on its host (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Stops the guest at once, as pulling the plug does. With an option it is virDomainDestroyFlags.
---
---libvirt: `virDomainDestroy`
---@param options? guestlua.PoweroffOptions
function Guest:poweroff(options) end

---@class guestlua.ReadFileOptions
---@field max_size? integer how many bytes are wanted at most; default 16 MiB
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Reads a file in the guest, through its agent.
---@param path string the file's path in the guest
---@param options? guestlua.ReadFileOptions
---@return string content
---@return boolean more
function Guest:read_file(path, options) end

---@class guestlua.ResumeOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lets the processors of a paused guest run again.
---
---libvirt: `virDomainResume`
---@param options? guestlua.ResumeOptions
function Guest:resume(options) end

---@class guestlua.SaveMemoryStateOptions
---@field bypass_cache? boolean write past the host's file cache (not in the reference)
---@field running? boolean it runs when it is launched again, also where it is paused now (not in the reference)
---@field paused? boolean it is paused when it is launched again (not in the reference)
---@field reset_nvram? boolean make the UEFI variables anew when it is launched again (libvirt 8.1; not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Saves the guest's memory on the host and stops the guest; launch() goes on from there. Where the wait is interrupted (Ctrl-C) or cancelled it is aborted, and the guest goes on.
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

---Keeps an element of yours in the guest's configuration; the one of the same namespace is replaced.
---
---libvirt: `virDomainSetMetadata`
---@param metadata? guestlua.Element|string the element to keep; nil: none, the one that is there is removed
---@param options? guestlua.SetMetadataOptions
function Guest:set_metadata(metadata, options) end

---@class guestlua.SetUserPasswordOptions
---@field encrypted? boolean it is a hash, as the guest's own list has it (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets the password of a user in the guest.
---
---libvirt: `virDomainSetUserPassword`
---@param user string the user in the guest
---@param new_pass string the new password, as plain text; it is shown in no error
---@param options? guestlua.SetUserPasswordOptions
function Guest:set_user_password(user, new_pass, options) end

---@class guestlua.ShutdownOptions
---@field acpi_power_btn? boolean press its power button (not in the reference)
---@field guest_agent? boolean ask its agent (not in the reference)
---@field initctl? boolean by the container's /dev/initctl (not in the reference)
---@field signal? boolean by a signal to the container's init (not in the reference)
---@field paravirt? boolean by Xen's own way (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Asks the guest to shut down, and does not wait until it did. A guest may ignore it. The options say how it is asked; with several libvirt chooses one, and with any it is virDomainShutdownFlags.
---
---libvirt: `virDomainShutdown`
---@param options? guestlua.ShutdownOptions
function Guest:shutdown(options) end

---@class guestlua.SnapshotOptions
---@field no_metadata? boolean libvirt does not remember the snapshot
---@field disk_only? boolean the disks, and not the memory
---@field reuse_ext? boolean the files of the new images exist already
---@field quiesce? boolean freeze the file systems meanwhile; needs the guest agent
---@field atomic? boolean all disks or none (not in the reference)
---@field redefine? boolean nothing is taken: libvirt learns of one that exists (not in the reference)
---@field current? boolean with redefine: make it the current one (not in the reference)
---@field halt? boolean stop the guest when it is taken (not in the reference)
---@field live? boolean with memory: the guest goes on while it is saved (not in the reference)
---@field validate? boolean check the XML against libvirt's schema (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Takes a snapshot.
---
---libvirt: `virDomainSnapshotCreateXML`
---@param conf guestlua.Element|string what to take: a <domainsnapshot> element
---@param options? guestlua.SnapshotOptions
function Guest:snapshot(conf, options) end

---Hears of an event from now on. Subscribe before the call that causes the event, or it may be missed.
---
---libvirt: `virConnectDomainEventRegisterAny`
---@param events integer|string[] an event's name, or a list of them
---@param options? guestlua.SubscribeOptions
---@return guestlua.Subscription # a Subscription: its next(timeout) gives one event after the other
function Guest:subscribe(events, options) end

---@class guestlua.SyncGuestTimeOptions
---@field sync? boolean to the time of its own hardware clock, not to this machine's (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Sets the guest's clock to this machine's. Does not raise if the guest cannot do that: it says so.
---
---libvirt: `virDomainSetTime`
---@param options? guestlua.SyncGuestTimeOptions
---@return boolean done
---@return guestlua.Error? error
function Guest:sync_guest_time(options) end

---@class guestlua.ThawFilesystemsOptions
---@field mountpoints? string[] these alone; default: all (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Lets the guest write again. Harmless if nothing is frozen.
---
---libvirt: `virDomainFSThaw`
---@param options? guestlua.ThawFilesystemsOptions
function Guest:thaw_filesystems(options) end

---@class guestlua.UsersResult
---@field name string the user's name
---@field domain string? of Windows
---@field login_time integer milliseconds since 1970

---@class guestlua.UsersOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Who is logged in in the guest. By virDomainGetGuestInfo; what a guest says of itself it can make up.
---@param options? guestlua.UsersOptions
---@return guestlua.UsersResult[]
function Guest:users(options) end

---Waits for an event of that name. Where a call causes the event, subscribe before it and wait on the Subscription instead: an event that came before is missed.
---@param name string the event's name
---@param options? guestlua.WaitEventOptions
---@return table # the event; an error of kind "timeout" where none came in time
function Guest:wait_event(name, options) end

---@class guestlua.WriteFileOptions
---@field append? boolean add it to what is there
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Writes a file in the guest, through its agent: it is made, or replaced, and flushed. What is written is masked in what guestlua prints.
---@param path string the file's path in the guest
---@param text string what is to be in it
---@param options? guestlua.WriteFileOptions
function Guest:write_file(path, text, options) end

---One disk of a guest, and the job that runs on it: guest:get_block_device makes one. Keep it from the start of a job to its end: await_job hears of jobs that were started on the same object.
---@class guestlua.BlockDevice: userdata
---@field guest guestlua.Guest The guest whose disk it is.
---@field name string What get_block_device was called with.
local BlockDevice = {}

---@class guestlua.BlockDeviceAbortJobOptions
---@field async? boolean ask for it and do not wait
---@field pivot? boolean end a copy or an active commit that is ready by moving the guest to the new image
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Ends the job on the disk.
---
---libvirt: `virDomainBlockJobAbort`
---@param options? guestlua.BlockDeviceAbortJobOptions
function BlockDevice:abort_job(options) end

---@class guestlua.AwaitJobOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, and the job goes on
---@field on_progress? function called with get_job_info() every half second, and when the job is ready

---Waits until the job on the disk has ended, or is ready for abort_job{pivot=true}. Driven by libvirt's events; libvirt is asked now and then as well, in case one was lost. What is not known is told as "unknown", never as success. Where the wait is interrupted (Ctrl-C) or cancelled the job is aborted; after a timeout it goes on.
---@param options? guestlua.AwaitJobOptions
---@return "completed"|"ready"|"failed"|"canceled"|"unknown" outcome
---@return string? reason
function BlockDevice:await_job(options) end

---@class guestlua.BlockStatsOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

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
---@field active? boolean merge the image that the guest writes to: the job gets ready and goes on until abort_job{pivot=true}
---@field shallow? boolean base nil: merge into the image right below `top`
---@field delete? boolean delete the images that were merged
---@field bandwidth? integer MiB/s at most; 0: no limit
---@field bandwidth_bytes? boolean bandwidth is in bytes/s (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Starts to merge images of the disk's backing chain downwards. disk:await_job() waits for the end.
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

---Starts to copy the disk elsewhere. The job gets ready and goes on until abort_job: with pivot the guest moves to the copy.
---
---libvirt: `virDomainBlockCopy`
---@param dest_xml guestlua.Element|string where to, a <disk> element
---@param options? guestlua.CopyOptions
---@return integer
function BlockDevice:copy(dest_xml, options) end

---@class guestlua.GetBlockInfoOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The disk's size. Not in the reference.
---
---libvirt: `virDomainGetBlockInfo`
---@param options? guestlua.GetBlockInfoOptions
---@return table # a table: capacity (what the guest sees), allocation (what is written), physical (what its image takes), in bytes
function BlockDevice:get_block_info(options) end

---@class guestlua.BlockDeviceGetJobInfoOptions
---@field bandwidth_bytes? boolean bandwidth is in bytes/s (not in the reference)
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---How far the job on the disk is. cur == end does not mean that it is ready: is_job_complete and await_job know.
---
---libvirt: `virDomainGetBlockJobInfo`
---@param options? guestlua.BlockDeviceGetJobInfoOptions
---@return table? # a table: job_type (libvirt's word: "pull", "copy", "commit", "active_commit" …), job (its number, as the reference has it), bandwidth (MiB/s, or bytes/s with bandwidth_bytes), cur, end (also end_, which Lua can write as info.end_); nil if there is no job
function BlockDevice:get_job_info(options) end

---@class guestlua.IsJobCompleteOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Whether the disk has no job (any more), or one whose mirror is ready for the pivot. One look: it does not wait, and cannot tell success from failure; await_job does both.
---
---libvirt: `virDomainGetBlockJobInfo`
---@param options? guestlua.IsJobCompleteOptions
---@return boolean # boolean: true means finished
function BlockDevice:is_job_complete(options) end

---What await_job waits for: the events "block_job_2" of the guest from before the start of the last job on.
---@return guestlua.Subscription? # Subscription; nil if no job was started with this object, or await_job has seen its end
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

---Starts to pull data from the backing chain into the disk's image, or, with `copy`, to copy the disk. disk:await_job() waits.
---
---libvirt: `virDomainBlockRebase`
---@param base? string the image that becomes the backing file, or the destination with `copy`; nil: pull everything
---@param options? guestlua.RebaseOptions
---@return integer
function BlockDevice:rebase(base, options) end

---@class guestlua.ResizeOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Changes the size of the disk while the guest runs.
---
---libvirt: `virDomainBlockResize`
---@param size integer the new size in bytes
---@param options? guestlua.ResizeOptions
function BlockDevice:resize(size, options) end

---@class guestlua.WaitForJobOptions
---@field abort_on_error? boolean taken for the reference's sake: an error is raised in any case
---@field wait_for_job_clean? boolean count the job as running until libvirt has cleaned it up
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---The reference's older check. Despite its name it does not wait; true means that the job still runs. await_job waits.
---
---libvirt: `virDomainGetBlockJobInfo`
---@param options? guestlua.WaitForJobOptions
---@return boolean # boolean: true means still running
function BlockDevice:wait_for_job(options) end

---Events of one kind, of one guest or of all guests of a host, from the moment of subscribe on.
---@class guestlua.Subscription: userdata
local Subscription = {}

---Ends the subscription; closing it twice is harmless. A to-be-closed variable does the same at the end of its scope.
---
---libvirt: `virConnectDomainEventDeregisterAny`
function Subscription:close() end

---Waits for the next event. More than 1024 events that nobody fetched are dropped, and reported as an event "lost" with their number.
---@param timeout? number seconds to wait at most; nil: as long as it takes
---@return table? # the event, a table: event, guest, uuid and what belongs to it; nil when the time is over
function Subscription:next(timeout) end

---An XML element. element.x is the attribute x, or else the first child element x; element[1] is the text; methods come before both, and attribute(name) and child(name) reach what a method hides. Assigning works the same way. tostring(element) is the XML.
---@class guestlua.Element: userdata
---@field [string|integer] any its attributes, children and text
local Element = {}

---Adds a copy of another Element as the last child. Unlike an assignment, it keeps elements of the same name.
---@param child any the Element to copy
---@return guestlua.Element # the copy, an Element
function Element:append(child) end

---The attribute of that name, also where a method or a child element has the name.
---@param name string the name
---@return string?
function Element:attribute(name) end

---All its attributes, one with a prefix under "prefix:name".
---@return table<string, string>
function Element:attributes() end

---The first child element of that name, also where a method or an attribute has the name.
---@param name string the name
---@return guestlua.Element?
function Element:child(name) end

---The child elements, or those of that name, in document order.
---@param name? string the name; nil: any
---@return guestlua.Element[]
function Element:children(name) end

---The XML with each element on a line of its own, indented, however it was written. tostring(element) keeps it as it was read.
---@return string # string: XML
function Element:pretty() end

---Takes the element out of its parent; it can still be read and printed. Harmless for one that has no parent.
function Element:remove() end

---The element's own name.
---@return string
function Element:tag() end

---@class guestlua.ValidateOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, which says whether the call still runs in libvirt

---Checks the element against the schema that libvirt installs for it: whole documents of libvirt's, and devices. Raises an error of kind "invalid_xml" that names the line and the element.
---@param options? guestlua.ValidateOptions
---@return true
function Element:validate(options) end

---A function that runs beside others: guestlua.spawn makes one. It goes on where its Task is forgotten; a group ends with its scope.
---@class guestlua.Task: userdata
local Task = {}

---Raises an error of kind "cancelled" in the task, where it waits; its to-be-closed variables undo what they guard. Does not wait for that.
function Task:cancel() end

---Whether the task is over.
---@return "running"|"done"|"failed" # "running", "done" or "failed"
function Task:status() end

---@class guestlua.WaitOptions
---@field timeout? number seconds; after that an error of kind "timeout" is raised, and the task goes on

---Waits until the task has ended.
---@param options? guestlua.WaitOptions
---@return any ...
function Task:wait(options) end

---What one task waits for and another one gives: for workflows that wait for each other.
---@class guestlua.Signal: userdata
local Signal = {}

---@class guestlua.SignalWaitOptions
---@field timeout? number seconds to wait at most

---Waits until somebody calls wake.
---@param options? guestlua.SignalWaitOptions
---@return boolean # true; false if the time is over
function Signal:wait(options) end

---Lets those go on that wait, the oldest first.
---@param count? integer how many; nil: all
function Signal:wake(count) end

---Holds something for a scope, as guest:frozen(), guest:paused() and guest:attached(device) do: local frozen <close> = guest:frozen(). It is taken back on every way out of the scope.
---@class guestlua.Guard
local Guard = {}

---Takes back now. A second time it does nothing. Errors: as the call that takes it back has them.
function Guard:close() end

---Lets go of what is held: nothing is taken back when the scope ends, nor by recover.
---@return guestlua.Guard
function Guard:keep() end

---Tasks that end together: guestlua.group makes one.
---@class guestlua.Group
local Group = {}

---Cancels what still runs. Does not wait for it.
function Group:cancel() end

---Starts fn(…) as a task of the group; where the group has as many tasks as its limit, when one of them has ended.
---@param fn function the function
---@param ... any its arguments
---@return guestlua.Task
function Group:spawn(fn, ...) end

---Waits until all tasks of the group have ended. Raises the first error of them, once; the others were cancelled then.
function Group:wait() end

---What happened, for people and for programs: guestlua.log.warning("slow", {guest = "web", seconds = 3}). The levels are error, warning, info, debug and trace; at first errors and warnings are written, as text, to standard error. Passwords and the like are masked: in XML, in fields that are called so, and where a text reads like one. Its functions are called with a dot.
---@class guestlua.log
local log = {}

---@class guestlua.ConfigureOptions
---@field level? string "error", "warning", "info", "debug" or "trace": this and what is worse; trace has each call of libvirt, with its arguments, its result and how long it took
---@field format? string "text", or "json": an object a line. Needs the Lua module dkjson
---@field file? string a file to append to
---@field handler? function called with each level and line, in the place of writing it; it must not wait

---Says what is logged, how and where; what is not named stays as it is. The command's --log-level, --log-format and --log-file.
---@param options? guestlua.ConfigureOptions
function log.configure(options) end

---Writes a line of the level debug, where the log has that level.
---@param message string what happened
---@param fields? table more of it, by name
function log.debug(message, fields) end

---Writes a line of the level error, where the log has that level.
---@param message string what happened
---@param fields? table more of it, by name
function log.error(message, fields) end

---Writes a line of the level info, where the log has that level.
---@param message string what happened
---@param fields? table more of it, by name
function log.info(message, fields) end

---Writes a line of the level trace, where the log has that level.
---@param message string what happened
---@param fields? table more of it, by name
function log.trace(message, fields) end

---Writes a line of the level warning, where the log has that level.
---@param message string what happened
---@param fields? table more of it, by name
function log.warning(message, fields) end

---How far something is, as a line on standard error: guestlua.progress makes one.
---@class guestlua.Progress
local Progress = {}

---What can be given as on_progress: disk:await_job{on_progress = progress:callback()}.
---@return fun(info: table)
function Progress:callback() end

---@class guestlua.ProgressConfigureOptions
---@field quiet? boolean show none

---Progress.configure{quiet=true}: from now on no progress is shown; the command's -q. A function of the class, called with a dot.
---@param options? guestlua.ProgressConfigureOptions
function Progress.configure(options) end

---Takes the line away, and leaves one that says how much it was and how long it took. A to-be-closed variable does the same at the end of its scope, and says where an error stopped it. Calling it twice is harmless.
function Progress:done() end

---Says how far it is now. The line is drawn ten times a second at most; where standard error is no terminal one is written every five seconds.
---@param current any how many bytes are done; or what get_job_info() gives, of a disk or of a guest, which has both
---@param total? number of how many; nil: as before
function Progress:update(current, total) end

---What takes more than one step: guestlua.workflow.snapshot_then_commit(guest, {…}) and so on. Each finishes or takes back what it did; its error has `workflow`, `step`, and `outcome`: how things were left.
---@class guestlua.workflow
local workflow = {}

---@class guestlua.AttachWithRetryResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long all of it took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: what was not done, as guestlua.plan() has it
---@field device string its alias, or what else it is known by

---@class guestlua.AttachWithRetryOptions
---@field live? boolean attach it to the running guest; default: if it runs
---@field persistent? boolean attach it to the configuration; default: if the guest has one
---@field attempts? integer how often each step is tried; default 8
---@field pause? number seconds between two tries; default 2
---@field timeout? number seconds that each call of libvirt's may take; default 60
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Attaches a device to the running guest and then to its persistent configuration, and looks whether it is there. Tried again if libvirt says that another operation holds the guest. If the second step fails the first is taken back.
---@param guest guestlua.Guest the Guest
---@param device any the device: an Element or XML text
---@param options? guestlua.AttachWithRetryOptions
---@return guestlua.AttachWithRetryResult
function workflow.attach_with_retry(guest, device, options) end

---@class guestlua.CleanShutdownResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long all of it took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: what was not done, as guestlua.plan() has it
---@field asked integer how often the guest was asked to shut down
---@field forced boolean whether it was powered off
---@field reason string? libvirt's word for why it stopped, if that was heard
---@field changed boolean false: it was off before

---@class guestlua.CleanShutdownOptions
---@field timeout? number seconds that the guest gets; default 60
---@field retry_interval? number seconds after which it is asked again; default 10, at least 1
---@field force? boolean power it off if it has not shut down by then; with timeout=0 at once
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Asks the guest to shut down and waits, by its events, until it is off. If the guest does not shut down in time, an error of kind "timeout" is raised and the guest goes on, unless force=true.
---@param guest guestlua.Guest the Guest
---@param options? guestlua.CleanShutdownOptions
---@return guestlua.CleanShutdownResult
function workflow.clean_shutdown(guest, options) end

---@class guestlua.DetachWithRetryResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long all of it took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: what was not done, as guestlua.plan() has it
---@field device string its alias, or what else it is known by
---@field attempts integer how often the running guest was asked
---@field changed boolean whether it was there

---@class guestlua.DetachWithRetryOptions
---@field attempts? integer how often the running guest is asked; default 8
---@field timeout? number seconds to wait for it each time; default 20
---@field missing_ok? boolean a device that is not there is no error
---@field live? boolean false: not from the running guest
---@field persistent? boolean false: not from the configuration
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Detaches a device, from the persistent configuration and from the running guest, whichever have it, and waits until the guest has let go of it. Asked again only when the time is over; a guest that refuses is not asked again. Errors: device_not_found, device_detach_failed.
---@param guest guestlua.Guest the Guest
---@param device any its alias, a disk's target, an Element, XML text, or a function get_conf(from_persistent_config) that gives the Element or nil
---@param options? guestlua.DetachWithRetryOptions
---@return guestlua.DetachWithRetryResult
function workflow.detach_with_retry(guest, device, options) end

---@class guestlua.EnsureAttachedResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long all of it took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: what was not done, as guestlua.plan() has it
---@field changed boolean whether anything was done

---@class guestlua.EnsureAttachedOptions
---@field timeout? number seconds that each call of libvirt's may take; default 60
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Attaches a device if the guest does not have it, to the running guest and to its configuration, whichever lack it.
---@param guest guestlua.Guest the Guest
---@param device any the device: an Element or XML text
---@param options? guestlua.EnsureAttachedOptions
---@return guestlua.EnsureAttachedResult
function workflow.ensure_attached(guest, device, options) end

---@class guestlua.EnsureDetachedResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long all of it took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: what was not done, as guestlua.plan() has it
---@field device string its alias, or what else it is known by
---@field attempts integer how often the running guest was asked
---@field changed boolean whether it was there

---@class guestlua.EnsureDetachedOptions
---@field attempts? integer how often the running guest is asked; default 8
---@field timeout? number seconds to wait for it each time; default 20
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Detaches a device if the guest has it: detach_with_retry without an error if it is not there.
---@param guest guestlua.Guest the Guest
---@param device any as in detach_with_retry
---@param options? guestlua.EnsureDetachedOptions
---@return guestlua.EnsureDetachedResult
function workflow.ensure_detached(guest, device, options) end

---@class guestlua.EnsureRunningResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long all of it took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: what was not done, as guestlua.plan() has it
---@field changed boolean false: it ran before
---@field how "launched"|"restored"|"unpaused"|"woken"|"running" what was done; restored: it had been suspended; woken: it was asleep; running: nothing

---@class guestlua.EnsureRunningOptions
---@field timeout? number seconds until it has to run; default 60
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Makes sure that the guest runs: starts it, wakes it, or lets it go on if it is paused, and waits until it runs. One that runs is left alone.
---@param guest guestlua.Guest the Guest
---@param options? guestlua.EnsureRunningOptions
---@return guestlua.EnsureRunningResult
function workflow.ensure_running(guest, options) end

---@class guestlua.EnsureStoppedResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long all of it took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: what was not done, as guestlua.plan() has it
---@field asked integer how often the guest was asked to shut down
---@field forced boolean whether it was powered off
---@field reason string? libvirt's word for why it stopped, if that was heard
---@field changed boolean false: it was off before

---@class guestlua.EnsureStoppedOptions
---@field timeout? number seconds that the guest gets; default 60
---@field retry_interval? number seconds after which it is asked again; default 10, at least 1
---@field force? boolean power it off if it has not shut down by then; with timeout=0 at once
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Makes sure that the guest is off, as clean_shutdown does. One that is off, or gone, is left alone.
---@param guest guestlua.Guest the Guest
---@param options? guestlua.EnsureStoppedOptions
---@return guestlua.EnsureStoppedResult
function workflow.ensure_stopped(guest, options) end

---@class guestlua.LiveMigrateResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long all of it took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: what was not done, as guestlua.plan() has it
---@field destination string the URI of the host that it is on
---@field arrived guestlua.Guest the Guest there
---@field forced "postcopy"|"pause"|nil how it was made to end, if it was
---@field downtimes table[] the longest downtimes that were asked for: after (seconds), ms, set (whether libvirt took it)
---@field iterations integer? how often the memory was gone through, if libvirt said so
---@field stats table? what libvirt counted
---@field warnings string[] what is not as it should be, and did not stop it
---@field left_out table[]? disks that were not copied with the others: target, why
---@field plain string[]? the targets of encrypted disks of which something was put in clear, as the option plain allows

---@class guestlua.LiveMigrateOptions
---@field timeout? number the same as completion_timeout
---@field destination_uri? string how the source host's libvirt reaches the destination's, as in "qemu+tcp://other/system"; nil: the URI that the destination was opened with
---@field migrate_uri? string where the data goes, as in "tcp://192.0.2.1"; nil: libvirt chooses
---@field destination_xml? any its configuration there: an Element, XML text, or a function that gets the present one as an Element, and changes it or returns another
---@field flags? any as guest:migrate has them; nil: live, peer2peer, and for a guest that is persistent persist_dest and undefine_source
---@field block? boolean copy the disks: those of migrate_disks, and if none are listed all that are files or block devices, neither readonly nor shareable
---@field migrate_disks? table the targets of the disks to copy
---@field tunnelled? boolean send all data through libvirt's own connection
---@field tls? boolean send it encrypted by QEMU
---@field plain? boolean copy encrypted disks without tls, as anybody on the way can read them; default: that is refused
---@field postcopy? boolean force_complete may let the guest run there before all its memory is; it is not aborted then
---@field auto_converge? boolean slow the guest down if it writes faster than the memory goes over
---@field unsafe? boolean also if libvirt cannot tell that the disks are shared
---@field parallel? integer how many connections
---@field bandwidth? integer MiB/s at most; nil or 0: no limit
---@field completion_timeout? number seconds it may take; nil: 800 for each GiB of memory and disks, at least 1600; 0: no limit
---@field timeout_action? string what happens then: "abort" (default), or "force_complete": post-copy with postcopy=true, otherwise the guest stands still until it is over
---@field downtime? integer ms that the guest may stand still at the end, in the last step; default 500
---@field downtime_steps? integer in how many steps it grows until then; default 10
---@field downtime_delay? number seconds from one step to the next, for each GiB; default 75
---@field on_progress? function called with get_job_info() every half second, which then has elapsed, percent, limit and forced as well; an error in it aborts the migration
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Moves a running guest to another host and looks at both in the end. It is watched on the way: it may stand still ever longer at its end, and if it takes too long it is aborted, or made to end. If a step fails or the script is told to stop, it is aborted and the guest goes on where it was. An error of kind "job_unknown" says that it is not known where the guest runs.
---@param guest guestlua.Guest the Guest; it must run
---@param destination guestlua.Host the Host that it goes to
---@param options? guestlua.LiveMigrateOptions
---@return guestlua.LiveMigrateResult
function workflow.live_migrate(guest, destination, options) end

---@class guestlua.LiveSnapshotResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long all of it took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: what was not done, as guestlua.plan() has it
---@field path string the file that the copy is in
---@field disk string the disk's target
---@field images string[] the disk's chain, which is what it was, the topmost image first
---@field frozen_seconds number? with quiesce: how long the file systems were frozen
---@field plain string[]? the targets of encrypted disks of which something was put in clear, as the option plain allows

---@class guestlua.LiveSnapshotOptions
---@field quiesce? boolean freeze the guest's file systems for the moment of the copy's end; needs the guest agent
---@field freeze_timeout? number seconds that the freeze may take; default 60
---@field format? string the file's format, as in "raw"; default: that of the disk's image
---@field shallow? boolean copy the topmost image only: the file then needs the images below it
---@field plain? boolean put what an encrypted disk has into a file that is not; default: that is refused
---@field timeout? number seconds for all of it; what is under way then is taken back
---@field bandwidth? integer MiB/s that the copy may use
---@field on_progress? function called with the copy's get_job_info() every half second
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Copies a disk of the running guest to a new file, with all that is below it in its chain, so that the file needs no other. The copy is the disk as it was at one moment, at the end; with quiesce its file systems were frozen then. The guest keeps its disk and its configuration. If a step fails there is no file.
---@param guest guestlua.Guest the Guest; it must run
---@param disk string the disk's target, as in "vda"
---@param out_path string the file, on the guest's host; it must not be there yet
---@param options? guestlua.LiveSnapshotOptions
---@return guestlua.LiveSnapshotResult
function workflow.live_snapshot(guest, disk, out_path, options) end

---@class guestlua.RebootResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long all of it took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: what was not done, as guestlua.plan() has it
---@field restarted boolean true if it came up by itself
---@field asked integer how often the guest was asked to shut down
---@field forced boolean whether it was powered off
---@field reason string? libvirt's word for why it stopped, if that was heard

---@class guestlua.RebootOptions
---@field timeout? number seconds that the guest gets to shut down; default 120
---@field retry_interval? number seconds after which it is asked again; default 10, at least 1
---@field force? boolean power it off if it has not shut down by then; with timeout=0 at once
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Shuts the guest down, as clean_shutdown does, and starts it again, with its configuration as it is by then. One that comes up again by itself is not started. If a step fails after the guest went down, it is started all the same before the error is raised.
---@param guest guestlua.Guest the Guest; it must run, and have a persistent configuration
---@param options? guestlua.RebootOptions
---@return guestlua.RebootResult
function workflow.reboot(guest, options) end

---@class guestlua.ResumeResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long all of it took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: what was not done, as guestlua.plan() has it
---@field clock boolean whether the guest's clock was set
---@field clock_error string? why not
---@field changed boolean false: it ran before
---@field how "launched"|"restored"|"unpaused"|"woken"|"running" what was done; restored: it had been suspended; woken: it was asleep; running: nothing

---@class guestlua.workflowResumeOptions
---@field devices? table what suspend gave as `devices`; default: those of the host that its configuration has
---@field timeout? number seconds until it has to run; default 60
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Lets a guest go on that was suspended or paused: starts it from its saved memory, waits until it runs, attaches the host's devices that it lacks, and sets its clock. One that was off and not saved is started; `how` says so. One that runs is left alone.
---@param guest guestlua.Guest the Guest
---@param options? guestlua.workflowResumeOptions
---@return guestlua.ResumeResult
function workflow.resume(guest, options) end

---@class guestlua.SnapshotThenCommitResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long all of it took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: what was not done, as guestlua.plan() has it
---@field disks table[] those that were taken: target, images (the chain now)
---@field during any what the option during returned
---@field left_out table[]? disks that were not taken: target, why
---@field plain string[]? the targets of encrypted disks of which something was put in clear, as the option plain allows

---@class guestlua.SnapshotThenCommitOptions
---@field disks? table the targets of the disks, as in {"vda"}; nil: all that can be written to
---@field quiesce? boolean freeze the guest's file systems for the moment of the snapshot; needs the guest agent
---@field during? function called with the disks, a list of {target, base, overlay}, between snapshot and commit
---@field on_failure? string if `during` fails: "commit" (default) keeps what the guest wrote; "rollback" throws it away: the guest is powered off and started again as it was at the snapshot
---@field plain? boolean put what an encrypted disk has into a file that is not; default: that is refused
---@field timeout? number seconds for all of it, `during` not counted; what is under way then is taken back
---@field bandwidth? integer MiB/s that the merge may use
---@field on_progress? function called with the merge's get_job_info() every half second
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Puts an overlay on the guest's disks, all at the same moment, calls `during` while the images below do not change, and merges the overlays back while the guest runs. If a step fails, the merge is done all the same before the error is raised.
---@param guest guestlua.Guest the Guest; it must run
---@param options? guestlua.SnapshotThenCommitOptions
---@return guestlua.SnapshotThenCommitResult
function workflow.snapshot_then_commit(guest, options) end

---@class guestlua.SuspendResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long all of it took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: what was not done, as guestlua.plan() has it
---@field devices string[] the XML of those that were detached, for resume

---@class guestlua.SuspendOptions
---@field detach? table aliases or disks' targets of more devices to detach before
---@field timeout? number seconds for all of it; what is under way then is taken back
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Saves the guest's memory on its host and stops it; resume lets it go on from there. PCI devices of the host and mediated devices cannot be saved: they are detached from the running guest before. If a step fails the guest goes on and has its devices again.
---@param guest guestlua.Guest the Guest; it must run, and have a persistent configuration
---@param options? guestlua.SuspendOptions
---@return guestlua.SuspendResult
function workflow.suspend(guest, options) end

---@class guestlua.SwapVolumeResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long all of it took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: what was not done, as guestlua.plan() has it
---@field disk string the disk's target
---@field images string[] the disk's chain now, the topmost image first
---@field was string[] the chain before: the guest does not use its topmost image any more
---@field plain string[]? the targets of encrypted disks of which something was put in clear, as the option plain allows

---@class guestlua.SwapVolumeOptions
---@field resize_to? integer bytes that the disk is to have afterwards, no fewer than it has; nil: as many as it has
---@field reuse_ext? boolean the volume is there already, as one of a pool is; default: a file is made
---@field shallow? boolean copy the topmost image only: the new one needs those below it
---@field plain? boolean put what an encrypted disk has into a file that is not; default: that is refused
---@field timeout? number seconds for all of it; what is under way then is taken back
---@field bandwidth? integer MiB/s that the copy may use
---@field on_progress? function called with the copy's get_job_info() every half second
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Moves a disk of the running guest to another volume: copies it there, lets the guest go on with the copy, and makes its configuration say so. If a step before the move fails, the copy is taken back and the guest has the disk that it had; the error's outcome says which.
---@param guest guestlua.Guest the Guest; it must run
---@param disk string the disk's target, as in "vda"
---@param conf any the new volume: a <disk> element, or its XML text
---@param options? guestlua.SwapVolumeOptions
---@return guestlua.SwapVolumeResult
function workflow.swap_volume(guest, disk, conf, options) end

---@class guestlua.VolumeSnapshotCreateResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long all of it took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: what was not done, as guestlua.plan() has it
---@field disk string the disk's target
---@field images string[] the disk's chain now, the topmost image first
---@field quiesced boolean whether the file systems were frozen
---@field snapshot_id string? the option of that name
---@field plain string[]? the targets of encrypted disks of which something was put in clear, as the option plain allows

---@class guestlua.VolumeSnapshotCreateOptions
---@field new_file string the new image: a path, or a name in the directory of the one that there is
---@field type? string "qcow2"; there is no other
---@field snapshot_id? string what the caller knows the snapshot by
---@field plain? boolean put what an encrypted disk has into a file that is not; default: that is refused
---@field quiesce? boolean true: the file systems must be frozen; false: they are not; nil: they are, if that can be
---@field timeout? number seconds for all of it; what is under way then is taken back
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Puts a new image on top of a volume: what the guest writes from then on goes there, and what is below does not change. The image is there already, beside the volume's, as a qcow2 that is based on it. The file systems are frozen meanwhile if that can be.
---@param guest guestlua.Guest the Guest; it must run
---@param volume_id string the serial of the volume's disk, or its target
---@param options? guestlua.VolumeSnapshotCreateOptions
---@return guestlua.VolumeSnapshotCreateResult
function workflow.volume_snapshot_create(guest, volume_id, options) end

---@class guestlua.VolumeSnapshotDeleteResult
---@field workflow string its name
---@field guest string the guest's name
---@field steps table[] the steps that were taken, in their order: name, seconds
---@field seconds number how long all of it took
---@field left table[]? files that stay: path, why; nil if there are none
---@field plan table[]? in a dry run: what was not done, as guestlua.plan() has it
---@field disk string the disk's target
---@field images string[] the disk's chain now, the topmost image first
---@field plain string[]? the targets of encrypted disks of which something was put in clear, as the option plain allows

---@class guestlua.VolumeSnapshotDeleteOptions
---@field file_to_merge? string the image to merge down; without merge_target_file the one that becomes the topmost image's base, nil: none, all is pulled up
---@field merge_target_file? string the image to merge into
---@field type? string "qcow2"; there is no other
---@field plain? boolean put what an encrypted disk has into a file that is not; default: that is refused
---@field timeout? number seconds for all of it; the merge is ended then
---@field bandwidth? integer MiB/s that the merge may use
---@field on_progress? function called with the merge's get_job_info() every half second
---@field wait? number seconds to wait until another run on the guest is over; default 0: an error of kind "busy"

---Merges an image of a volume away while the guest runs. With merge_target_file, what is in file_to_merge is merged down into that; without, what is between the topmost image and file_to_merge is pulled up into the topmost. The image's file is not removed. If a step fails the chain is whole, and the merge can be asked for again.
---@param guest guestlua.Guest the Guest; it must run
---@param volume_id string the serial of the volume's disk, or its target
---@param options? guestlua.VolumeSnapshotDeleteOptions
---@return guestlua.VolumeSnapshotDeleteResult
function workflow.volume_snapshot_delete(guest, volume_id, options) end

---What every failure raises: a table that prints as one line with all there is to know.
---@class guestlua.Error
---@field argument string? the argument that was bad
---@field call string? libvirt's function behind it
---@field code integer? libvirt's number
---@field device string? what the device is known by
---@field device_type string? what device it is, as in "disk"
---@field domain string? the part of libvirt that it came from
---@field found table? of the kind "conflict": what somebody else changed
---@field guest string? the guest's name
---@field hint string? what to do next, if that is known
---@field holder table? of the kind "busy": who has the guest
---@field host string? the URI of the host that it was about
---@field kind string a stable name: libvirt's error code in lower case ("no_domain", "operation_timeout", "agent_unresponsive"), or "bad_argument", "closed", "timeout", "interrupted", "cancelled", "xml_error" and so on; "disconnected" if the connection was lost, whatever code libvirt has for it
---@field left table[]? files that a workflow left: path, why
---@field level string? how bad libvirt says it is
---@field message string libvirt's text, or that of guestlua
---@field op string? the method that failed
---@field outcome string? how the workflow left things
---@field results table[]? of guestlua.recover: what became of each run
---@field step string? the step that it was in
---@field still_running boolean? true if the call, or the job, goes on although nobody waits for it
---@field undoing guestlua.Error[]? the errors that came while undoing
---@field where string? the script's file and line
---@field workflow string? the workflow that failed
local Error = {}

---Whether the value is such an error.
---@param value any whatever pcall gave
---@param kind? string and of this kind
---@return boolean
function Error.is(value, kind) end

---Makes an error to raise, with the fields that it is given.
---@param fields table its fields; kind has to be one
---@return guestlua.Error
function Error.new(fields) end

return guestlua
