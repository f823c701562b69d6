-- libvirt's events: which there are, and what their numbers mean, says libvirt's description of itself; here is what it does not say.
--
-- families: libvirt's enumerations of events, each with its functions in src/event/family.c.
--   enum      the enumeration          family    the name in C           prefix    what its events' names begin with in Lua
--   first     the number of its first event among ours, and room for how many: see src/event/kind.h
--   callback  in the place of enum: there is one event, `name`, without a number
-- own: what is no event of libvirt's, with its one field.
-- classes: what can subscribe, and to which families. All hear of their connection, too.
-- enums: the enumerations of numbers which do not follow from their names, by callback and argument; "event": by the number of that.
-- rename: arguments that have another name in Lua: "event" is the name of the event itself.
return {
  families = {
    { enum = "virDomainEventID", family = "domain", prefix = "", first = "GL_EVENTS_OF_GUESTS", room = 40 },
    { enum = "virNetworkEventID", family = "network", prefix = "network_", first = "GL_EVENTS_OF_NETWORKS", room = 5 },
    { enum = "virStoragePoolEventID", family = "storagepool", prefix = "storage_pool_", first = "GL_EVENTS_OF_POOLS", room = 5 },
    { enum = "virNodeDeviceEventID", family = "nodedevice", prefix = "node_device_", first = "GL_EVENTS_OF_DEVICES", room = 5 },
    { enum = "virSecretEventID", family = "secret", prefix = "secret_", first = "GL_EVENTS_OF_SECRETS", room = 5 },
    { callback = "virConnectDomainQemuMonitorEventCallback", name = "qemu_monitor", family = "qemu_monitor", first = "GL_EVENT_QEMU_MONITOR" },
  },
  own = {
    { name = "disconnected", number = "GL_EVENT_DISCONNECTED", family = "connection", field = "reason", enum = "virConnectCloseReason" },
    { name = "reconnected", number = "GL_EVENT_RECONNECTED", field = "gap" },
  },
  classes = {
    host = { "domain", "network", "storagepool", "nodedevice", "secret", "qemu_monitor" },
    guest = { "domain", "qemu_monitor" },
    network = { "network" }, storagepool = { "storagepool" }, nodedevice = { "nodedevice" }, secret = { "secret" },
  },
  enums = {
    ["virConnectDomainEventBlockJobCallback.type"] = "virDomainBlockJobType",
    ["virConnectDomainEventCallback.event"] = "virDomainEventType",
    ["virConnectDomainEventIOErrorReasonCallback.action"] = "virDomainEventIOErrorAction",
    ["virConnectDomainEventMemoryFailureCallback.action"] = "virDomainMemoryFailureActionType",
    ["virConnectDomainEventMemoryFailureCallback.recipient"] = "virDomainMemoryFailureRecipientType",
    ["virConnectDomainEventMetadataChangeCallback.type"] = "virDomainMetadataType",
    ["virConnectNetworkEventMetadataChangeCallback.type"] = "virNetworkMetadataType",
  },
  rename = { ["virConnectDomainQemuMonitorEventCallback.event"] = "qemu_event" },
}
