-- The pages of libvirt's own reference, by what its functions begin with.

local links = {}

local PAGES = {
  { "virDomainSnapshot", "domain-snapshot" }, { "virDomainRevertToSnapshot", "domain-snapshot" }, { "virDomainCheckpoint", "domain-checkpoint" },
  { "virDomainHasCurrentSnapshot", "domain-snapshot" }, { "virDomainListAllSnapshots", "domain-snapshot" },
  { "virDomainListAllCheckpoints", "domain-checkpoint" }, { "virConnectDomainEvent", "domain" }, { "virConnectNetworkEvent", "network" },
  { "virConnectStoragePoolEvent", "storage" }, { "virConnectNodeDeviceEvent", "nodedev" }, { "virConnectSecretEvent", "secret" },
  { "virDomainQemu", false }, { "virConnectDomainQemu", false }, { "virConnectDomainXML", "domain" }, { "virConnectListAllDomains", "domain" },
  { "virConnectGetAllDomainStats", "domain" }, { "virConnectGetDomainCapabilities", "domain" }, { "virConnectListAllNetworks", "network" },
  { "virConnectListAllInterfaces", "interface" }, { "virConnectListAllNWFilter", "nwfilter" }, { "virConnectListAllNodeDevices", "nodedev" },
  { "virConnectListAllSecrets", "secret" }, { "virConnectListAllStoragePools", "storage" }, { "virConnectFindStoragePool", "storage" },
  { "virConnectGetStoragePool", "storage" }, { "virDomain", "domain" }, { "virNodeDevice", "nodedev" }, { "virNode", "host" },
  { "virConnect", "host" }, { "virGet", "host" }, { "virNetwork", "network" }, { "virInterface", "interface" }, { "virNWFilter", "nwfilter" },
  { "virSecret", "secret" }, { "virStorage", "storage" }, { "virStream", "stream" },
}

-- Where libvirt documents a function of its own; nil: nowhere.
function links.of(call)
  for _, page in ipairs(PAGES) do
    if call:sub(1, #page[1]) == page[1] then
      return page[2] and ("https://libvirt.org/html/libvirt-libvirt-%s.html#%s"):format(page[2], call) or nil
    end
  end
end

return links
