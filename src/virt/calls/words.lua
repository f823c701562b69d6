-- What arguments, options and typed parameters are, in our own words: by their name, or by libvirt's constant.

local words = {}

-- By the name of the argument; "virFunction.name" for one that means something else there.
words.arguments = {
  xml = "an Element or XML text", xml_desc = "an Element or XML text", xmldesc = "an Element or XML text", dxml = "the configuration to use instead",
  domain_xml = "the guest's configuration", backup_xml = "a <domainbackup> element", checkpoint_xml = "a <domaincheckpoint> element",
  destxml = "where to: a <disk> element", xml_cpu = "a <cpu> element", xml_cpus = "<cpu> elements, as XML texts",
  name = "its name", uuidstr = "its UUID", id = "its number", new_name = "the new name", path = "its path", key = "its key",
  ["virDomainSetMetadata.key"] = "the prefix of the element's name", ["virNetworkSetMetadata.key"] = "the prefix of the element's name",
  ["virDomainSetMetadata.uri"] = "the element's namespace", ["virNetworkSetMetadata.uri"] = "the element's namespace",
  uri = "the element's namespace",
  metadata = "the title, the description, or the element; nil removes it", type = "which of them", action = "what happens then",
  ["virConnectGetMaxVcpus.type"] = "of which kind of guests, as \"kvm\"; nil: the driver's own",
  ["virConnectFindStoragePoolSources.type"] = "the type of pool, as \"logical\"", src_spec = "where to look: a <source> element as XML text",
  arch = "the architecture, as \"x86_64\"", emulator = "the path of the emulator", emulatorbin = "the path of the emulator; nil: libvirt's choice",
  machine = "the machine type, as \"q35\"", virttype = "the kind of virtualization, as \"kvm\"", native_format = "the format, as \"qemu-argv\"",
  native_config = "the configuration in that format", file = "the file on the host", from = "the file on the host",
  to = "the file on the host to write",
  dumpformat = "how the file is written", target = "what kind of sleep", duration = "seconds; 0: until it is woken", seconds = "seconds",
  ["virDomainSetTime.seconds"] = "seconds since 1970", nseconds = "nanoseconds more", params = "a table from name to value",
  portdev = "the port's device on the host, as \"vnet0\"", macstr = "the MAC address", wwnn = "the world wide node name",
  wwpn = "the world wide port name",
  usage_type = "what kind of thing it is for", usage_id = "what it is for", pid_value = "the number of the process",
  autostart = "whether it does", command = "what to do with the part", section = "which part", parent_index = "in which of several; -1: any",
  driver_name = "the driver that the guest's hypervisor uses; nil: its own", capacity = "bytes", algorithm = "how it is overwritten",
  memory = "KiB", period = "seconds; 0: never", nvcpus = "how many", vcpumap = "which, as \"0-3,^2\"", cpumap = "which, as \"0-3,^2\"",
  state = "whether they are used", iothread_id = "the thread's number", disk = "the disk's target, as \"vda\"", base = "the image to end at",
  top = "the image to begin at", bandwidth = "MiB/s; 0: no limit", size = "KiB; with the option bytes: bytes",
  dev = "the disk, as \"vda\" or \"vda[2]\"",
  threshold = "bytes", group = "the name of the group", device = "the interface's name on the host, as \"vnet0\", or its MAC address",
  mountpoints = "where the file systems are mounted; nil: all", mount_point = "where the file system is mounted; nil: all",
  minimum = "the smallest hole that is given back, in bytes", user = "the user", password = "the new password", keys = "the keys, a text each",
  alias = "the device's alias", signum = "the signal", cache_size = "bytes", downtime = "milliseconds", cmd = "the command, in JSON",
  types = "what to ask for",
}

-- Enumerations that calls need which are written by hand; "bits": of a set of them.
words.enums = { "virDomainStatsTypes bits", "virKeycodeSet", "virDomainMemoryStatTags", "virDomainInterfaceAddressesSource", "virIPAddrType" }

-- By the constant.
words.flags = {
  VIR_DOMAIN_AFFECT_LIVE = "the running guest", VIR_DOMAIN_AFFECT_CONFIG = "its configuration, from the next start on",
  VIR_DOMAIN_AFFECT_CURRENT = "the running guest, or its configuration if it does not run: what nothing is said means",
  VIR_DOMAIN_MEM_LIVE = "the running guest", VIR_DOMAIN_MEM_CONFIG = "its configuration, from the next start on",
  VIR_DOMAIN_MEM_MAXIMUM = "the most that it can have", VIR_DOMAIN_VCPU_LIVE = "the running guest",
  VIR_DOMAIN_VCPU_CONFIG = "its configuration, from the next start on", VIR_DOMAIN_VCPU_MAXIMUM = "the most that it can have",
  VIR_DOMAIN_VCPU_GUEST = "what the guest's own system uses, by its agent", VIR_DOMAIN_DEVICE_MODIFY_LIVE = "the running guest",
  VIR_DOMAIN_DEVICE_MODIFY_CONFIG = "its configuration, from the next start on",
  VIR_DOMAIN_DEVICE_MODIFY_FORCE = "even if the guest does not agree", VIR_DOMAIN_XML_SECURE = "with passwords in it",
  VIR_DOMAIN_XML_INACTIVE = "what it is at its next start", VIR_DOMAIN_REBOOT_GUEST_AGENT = "ask its agent",
  VIR_DOMAIN_REBOOT_ACPI_POWER_BTN = "press its power button", VIR_DOMAIN_SHUTDOWN_GUEST_AGENT = "ask its agent",
  VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN = "press its power button", VIR_DOMAIN_START_PAUSED = "leave its processors paused",
  VIR_DOMAIN_START_AUTODESTROY = "it ends with this connection", VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING = "it runs afterwards",
  VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED = "it is paused afterwards", VIR_DOMAIN_SNAPSHOT_REVERT_FORCE = "even if that may lose more than is said",
  VIR_DOMAIN_SNAPSHOT_REVERT_RESET_NVRAM = "reset the UEFI variables",
  VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN = "with all that were taken after it",
  VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY = "forget it; what it saved stays",
  VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY = "only those that were taken after it",
  VIR_STORAGE_VOL_RESIZE_ALLOCATE = "take the room at once", VIR_STORAGE_VOL_RESIZE_DELTA = "so much more, or less with shrink",
  VIR_STORAGE_VOL_RESIZE_SHRINK = "make it smaller: what is behind is lost",
  VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA = "make the tables of the whole image at once",
  VIR_STORAGE_VOL_CREATE_REFLINK = "share the blocks, on file systems that can",
  VIR_STORAGE_POOL_CREATE_WITH_BUILD = "build it first", VIR_STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE = "build it first, over what is there",
  VIR_STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE = "build it first, if nothing is there",
  VIR_STORAGE_POOL_BUILD_OVERWRITE = "over what is there", VIR_STORAGE_POOL_BUILD_NO_OVERWRITE = "if nothing is there",
  VIR_STORAGE_POOL_BUILD_REPAIR = "mend what is there", VIR_STORAGE_POOL_BUILD_RESIZE = "change the size of what is there",
  VIR_STORAGE_POOL_DELETE_ZEROED = "overwrite it with zeros first", VIR_STORAGE_VOL_DELETE_ZEROED = "overwrite it with zeros first",
  VIR_STORAGE_VOL_DELETE_WITH_SNAPSHOTS = "and its snapshots", VIR_STORAGE_VOL_GET_PHYSICAL = "allocation is the size of the file",
  -- starting, stopping, saving
  VIR_DOMAIN_START_BYPASS_CACHE = "read a saved memory past the host's cache",
  VIR_DOMAIN_START_FORCE_BOOT = "from the beginning: drop a saved memory",
  VIR_DOMAIN_START_RESET_NVRAM = "with fresh UEFI variables", VIR_DOMAIN_DESTROY_GRACEFUL = "fail if QEMU does not end by itself; nothing is killed",
  VIR_DOMAIN_DESTROY_REMOVE_LOGS = "remove its log files",
  VIR_DOMAIN_REBOOT_INITCTL = "write to the container's initctl", VIR_DOMAIN_SHUTDOWN_INITCTL = "write to the container's initctl",
  VIR_DOMAIN_REBOOT_SIGNAL = "send a signal to the container's init", VIR_DOMAIN_SHUTDOWN_SIGNAL = "send a signal to the container's init",
  VIR_DOMAIN_REBOOT_PARAVIRT = "ask its kernel, on Xen", VIR_DOMAIN_SHUTDOWN_PARAVIRT = "ask its kernel, on Xen",
  VIR_DOMAIN_SAVE_BYPASS_CACHE = "past the host's cache", VIR_DOMAIN_SAVE_RUNNING = "it runs when it goes on",
  VIR_DOMAIN_SAVE_PAUSED = "it is paused when it goes on", VIR_DOMAIN_SAVE_RESET_NVRAM = "it goes on with fresh UEFI variables",
  VIR_DOMAIN_SAVE_IMAGE_XML_SECURE = "with passwords in it", VIR_DOMAIN_XML_MIGRATABLE = "as it is sent to another host",
  VIR_DOMAIN_XML_UPDATE_CPU = "with the host's processor filled in",
  VIR_DUMP_BYPASS_CACHE = "past the host's cache", VIR_DUMP_CRASH = "and the guest is off then", VIR_DUMP_LIVE = "while its processors run on",
  VIR_DUMP_MEMORY_ONLY = "its memory and registers alone, in a format that debuggers read", VIR_DUMP_RESET = "and the guest is reset then",
  VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA = "forget its checkpoints", VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA = "forget its snapshots",
  VIR_DOMAIN_UNDEFINE_MANAGED_SAVE = "drop its saved memory", VIR_DOMAIN_UNDEFINE_NVRAM = "delete its UEFI variables",
  VIR_DOMAIN_UNDEFINE_KEEP_NVRAM = "keep its UEFI variables", VIR_DOMAIN_UNDEFINE_TPM = "delete the state of its TPM",
  VIR_DOMAIN_UNDEFINE_KEEP_TPM = "keep the state of its TPM", VIR_DOMAIN_VCPU_HOTPLUGGABLE = "those that can be unplugged while it runs",
  VIR_DOMAIN_ABORT_JOB_POSTCOPY = "interrupt a migration in its post-copy phase", VIR_DOMAIN_JOB_STATS_COMPLETED = "of the last job that ended",
  VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED = "and can be asked for again", VIR_DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY = "in the post-copy phase",
  VIR_DOMAIN_MESSAGE_DEPRECATION = "what it uses and will not be there for ever", VIR_DOMAIN_MESSAGE_TAINTING = "what nobody supports",
  VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP = "by a bitmap of all pages", VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_RING = "by KVM's ring of written pages",
  VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP = "the command is one for people, as \"info status\", and not JSON",
  -- inside
  VIR_DOMAIN_GET_HOSTNAME_AGENT = "ask its agent", VIR_DOMAIN_GET_HOSTNAME_LEASE = "look at the network's leases",
  VIR_DOMAIN_PASSWORD_ENCRYPTED = "it is a hash, as in /etc/shadow", VIR_DOMAIN_TIME_SYNC = "take it from the guest's hardware clock",
  VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_APPEND = "and keep the present ones", VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_REMOVE = "remove these",
  -- disks
  VIR_DOMAIN_BLOCK_COMMIT_ACTIVE = "the topmost image too: block_job_abort with pivot ends it",
  VIR_DOMAIN_BLOCK_COMMIT_DELETE = "delete what was merged",
  VIR_DOMAIN_BLOCK_COMMIT_RELATIVE = "paths to images below stay relative", VIR_DOMAIN_BLOCK_COMMIT_SHALLOW = "into the image right below `top`",
  VIR_DOMAIN_BLOCK_COPY_REUSE_EXT = "the file is there already", VIR_DOMAIN_BLOCK_COPY_SHALLOW = "the topmost image alone",
  VIR_DOMAIN_BLOCK_COPY_SYNCHRONOUS_WRITES = "each write waits until the copy has it", VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB = "also if "
    .. "the guest is persistent: the job is lost when it stops", VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC = "do not wait: an event says when it is over",
  VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT = "go on with the copy", VIR_DOMAIN_BLOCK_REBASE_COPY = "copy the disk to the file `base`",
  VIR_DOMAIN_BLOCK_REBASE_COPY_DEV = "`base` is a block device", VIR_DOMAIN_BLOCK_REBASE_COPY_RAW = "make the copy raw",
  VIR_DOMAIN_BLOCK_REBASE_RELATIVE = "paths to images below stay relative", VIR_DOMAIN_BLOCK_REBASE_REUSE_EXT = "the file is there already",
  VIR_DOMAIN_BLOCK_REBASE_SHALLOW = "copy the topmost image alone", VIR_DOMAIN_BLOCK_RESIZE_BYTES = "the size is in bytes",
  VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL = "the files are there already",
  -- snapshots and checkpoints
  VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC = "all disks or none", VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT = "with redefine: it is the current one",
  VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY = "the disks, without the memory", VIR_DOMAIN_SNAPSHOT_CREATE_HALT = "stop the guest then",
  VIR_DOMAIN_SNAPSHOT_CREATE_LIVE = "while its processors run on", VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA = "libvirt does not remember it",
  VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE = "freeze the file systems meanwhile; needs the agent",
  VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE = "libvirt learns of one that exists", VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT = "the files are there already",
  VIR_DOMAIN_SNAPSHOT_LIST_DISK_ONLY = "those without memory of guests that ran", VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL = "those in files of their own",
  VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL = "those inside the disks' images", VIR_DOMAIN_SNAPSHOT_LIST_ACTIVE = "those of guests that ran",
  VIR_DOMAIN_SNAPSHOT_LIST_INACTIVE = "those of guests that were off", VIR_DOMAIN_SNAPSHOT_LIST_METADATA = "those that libvirt remembers",
  VIR_DOMAIN_SNAPSHOT_LIST_NO_METADATA = "those that libvirt does not remember",
  VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN = "without the guest's configuration",
  VIR_DOMAIN_CHECKPOINT_XML_SIZE = "with how much has changed since; the guest must run",
  VIR_DOMAIN_CHECKPOINT_CREATE_QUIESCE = "freeze the file systems meanwhile; needs the agent",
  VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE = "libvirt learns of one that exists",
  VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE_VALIDATE = "with redefine: look whether the images have its bitmaps",
  VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN = "with all that were made after it",
  VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY = "only those that were made after it",
  VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY = "forget it; the images keep their bitmaps",
  -- networks, the host
  VIR_NETWORK_PORT_CREATE_RECLAIM = "one that was there before", VIR_NETWORK_UPDATE_AFFECT_LIVE = "the running network",
  VIR_NETWORK_UPDATE_AFFECT_CONFIG = "its configuration, from the next start on",
  VIR_NETWORK_UPDATE_AFFECT_CURRENT = "the running network, or its configuration if it does not run",
  VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES = "name the features of the model too", VIR_CONNECT_BASELINE_CPU_MIGRATABLE = "without features "
    .. "that keep a guest from migrating", VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE = "raise an error if it is incompatible",
}

-- By a pattern of the constant, if it has no words of its own.
local PATTERNS = {
  { "VALIDATE$", "check it against libvirt's schema first" }, { "VALIDATE_XML$", "check it against libvirt's schema first" },
  { "BANDWIDTH_BYTES$", "the bandwidth is in bytes a second" }, { "_XML_SECURE$", "with passwords in it" },
  { "_XML_INACTIVE$", "what it is at its next start" }, { "_CURRENT$", "the running guest, or its configuration if it does not run" },
  { "_LIST_DESCENDANTS$", "with those after those after it, and so on" }, { "_LIST_ROOTS$", "those that stand on no other" },
  { "_LIST_LEAVES$", "those that no other stands on" }, { "_LIST_NO_LEAVES$", "those that another stands on" },
  { "_LIST_TOPOLOGICAL$", "each after the one that it stands on" }, { "^VIR_CONNECT_LIST_NODE_DEVICES_CAP_(.*)$", "devices of the kind %s" },
  { "^VIR_CONNECT_LIST_.*_NO_AUTOSTART$", "those that do not start with the host" },
  { "^VIR_CONNECT_LIST_.*_AUTOSTART$", "those that start with the host" },
  { "^VIR_CONNECT_LIST_.*_NO_MANAGEDSAVE$", "those without a saved memory" }, { "^VIR_CONNECT_LIST_.*_MANAGEDSAVE$", "those with a saved memory" },
  { "^VIR_CONNECT_LIST_DOMAINS_OTHER$", "those in any other state" }, { "^VIR_CONNECT_LIST_DOMAINS_SHUTOFF$", "those that are off" },
  { "^VIR_CONNECT_LIST_DOMAINS_NO_(.*)$", "those without a %s" }, { "^VIR_CONNECT_LIST_DOMAINS_HAS_(.*)$", "those with a %s" },
  { "^VIR_CONNECT_LIST_.*_(ACTIVE)$", "those that are %s" }, { "^VIR_CONNECT_LIST_.*_(INACTIVE)$", "those that are %s" },
  { "^VIR_CONNECT_LIST_.*_(PERSISTENT)$", "those that are %s" }, { "^VIR_CONNECT_LIST_.*_(TRANSIENT)$", "those that are %s" },
  { "^VIR_CONNECT_LIST_STORAGE_POOLS_(.*)$", "pools of the type %s" }, { "^VIR_CONNECT_LIST_%u+_NO_(.*)$", "those that are not %s" },
  { "^VIR_CONNECT_LIST_[%u_]+_(%u+)$", "those that are %s" },
}

-- What a flag means; the constant itself if nobody has said so yet.
function words.flag(constant)
  if words.flags[constant] then
    return words.flags[constant]
  end
  for _, pattern in ipairs(PATTERNS) do
    local word = constant:match(pattern[1])
    if word then
      return (pattern[2]:format(word:lower():gsub("_", " ")))
    end
  end
  return constant
end

-- Types of typed parameters where libvirt's description does not say them.
words.types = {
  VIR_DOMAIN_BLOCK_COPY_BANDWIDTH = "ULLONG", VIR_DOMAIN_IOTHREAD_POLL_GROW = "UINT", VIR_DOMAIN_IOTHREAD_POLL_MAX_NS = "ULLONG",
  VIR_DOMAIN_IOTHREAD_POLL_SHRINK = "UINT", VIR_DOMAIN_SAVE_PARAM_DXML = "STRING", VIR_DOMAIN_SAVE_PARAM_FILE = "STRING",
  VIR_DOMAIN_SAVE_PARAM_IMAGE_FORMAT = "STRING", VIR_DOMAIN_SAVE_PARAM_PARALLEL_CHANNELS = "INT",
  VIR_NODE_MEMORY_SHARED_MERGE_ACROSS_NODES = "UINT", VIR_NODE_MEMORY_SHARED_PAGES_TO_SCAN = "UINT",
  VIR_NODE_MEMORY_SHARED_SLEEP_MILLISECS = "UINT", ["VIR_PERF_PARAM_*"] = "BOOLEAN", ["VIR_NODE_MEMORY_SHARED_*"] = "ULLONG",
}

-- Enumerations of the fields of structs.
words.fields = {
  ["virDomainInfo.state"] = "virDomainState", ["virStoragePoolInfo.state"] = "virStoragePoolState", ["virStorageVolInfo.type"] = "virStorageVolType",
  ["virDomainJobInfo.type"] = "virDomainJobType", ["virDomainControlInfo.state"] = "virDomainControlState",
  ["virDomainBlockJobInfo.type"] = "virDomainBlockJobType",
}

return words
