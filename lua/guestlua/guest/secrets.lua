-- Host:write_instance_config: a configuration that was read without its passwords and is written back would lose them, and libvirt does not report
-- that. A dry run says what would change.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local try = require("guestlua.base.try")

local write = core.Host.write_instance_config

-- The secrets that libvirt omits from a configuration unless it is read with VIR_DOMAIN_XML_SECURE: a map from each device that may have one to the
-- secret, or false.
local function secrets_of(domain)
  local secrets, devices = {}, domain.devices
  for _, graphics in ipairs(devices and devices:children("graphics") or {}) do
    secrets[("graphics '%s'"):format(graphics.type)] = graphics.passwd or false
  end
  for _, disk in ipairs(devices and devices:children("disk") or {}) do
    local target, source = disk.target, disk.source
    if target and target.dev then
      secrets[("disk '%s'"):format(target.dev)] = source and source.cookies and "cookies" or false
    end
  end
  return secrets
end

-- libvirt's configuration of that guest, with its secrets; nil if there is none.
local function stored(host, uuid)
  local ok, guest = try(host.guest, host, uuid)
  if not ok or not guest then
    return nil
  end
  local closing <close> = guest -- luacheck: ignore closing
  local known, text = try(guest.get_xml_desc, guest, { dump_inactive = true, dump_sensitive = true })
  return known and core.element(text) or nil
end

-- The configuration as an Element; nil for what is none.
local function parsed(xml)
  local ok, domain = true, xml
  if type(xml) == "string" then
    ok, domain = pcall(core.element, xml)
  end
  return ok and domain:tag() == "domain" and domain or nil
end

-- The same, and the UUID in it; nil for what has none.
local function read(xml)
  local domain = parsed(xml)
  local uuid = domain and domain.uuid and domain.uuid[1]
  return uuid and domain, uuid
end

local function check_secrets(host, xml)
  local domain, uuid = read(xml)
  local before = domain and stored(host, uuid)
  if not before then
    return
  end
  local now = secrets_of(domain)
  for device, secret in pairs(secrets_of(before)) do
    if secret and now[device] == false then
      define.bad("write_instance_config", "xml", ("it has not the secret that %s has: it was read without secrets, and they would be lost; "
        .. "read it with get_xml_desc{dump_inactive=true, dump_sensitive=true}, or give the option drop_secrets"):format(device))
    end
  end
end

-- The call is one of the host, so its error does not say which of a hundred guests it was about.
local function name_guest(e, xml)
  local domain = core.Error.is(e) and not e.guest and parsed(xml)
  if domain and domain.name then
    e.guest = domain.name[1]
  end
end

-- The lines of an XML text, without secrets.
local function lines_of(element)
  local log, lines = require("guestlua.log.log"), {}
  for line in core.element(log.masked({ xml = tostring(element) }).xml):pretty():gmatch("[^\n]+") do
    lines[#lines + 1] = line:match("^%s*(.-)%s*$")
  end
  return lines
end

-- Adds those lines that are more often in one list than in the other.
local function add_lines(changes, sign, lines, others)
  local left = {}
  for _, line in ipairs(others) do
    left[line] = (left[line] or 0) + 1
  end
  for _, line in ipairs(lines) do
    left[line] = (left[line] or 0) - 1
    if left[line] < 0 then
      changes[#changes + 1] = sign .. " " .. line
    end
  end
end

-- What a dry run gives for a guest that is there already: the guest. The plan gets the lines that would change.
local function expect(host, xml)
  local domain, uuid = read(xml)
  local guest = domain and host:guest(uuid)
  local before = guest and stored(host, uuid)
  if not before then
    return nil
  end
  local changes, old, new = {}, lines_of(before), lines_of(domain)
  add_lines(changes, "-", old, new)
  add_lines(changes, "+", new, old)
  require("guestlua.log.plan").expect(changes)
  return guest
end

define(core.Host, "Host", {
  name = "write_instance_config",
  method = true,
  call = "virDomainDefineXML",
  help = "Defines a guest, or redefines the one with the same UUID. It is not started. A configuration that was read without the guest's secrets "
    .. "(passwords of graphics, cookies of disks) is refused, because they would be lost. With the option validate it is virDomainDefineXMLFlags.",
  result = "Guest",
  params = {
    { name = "xml", type = "Element or XML text", positional = true, required = true, help = "the guest's configuration, a <domain> element" },
    { name = "validate", type = "boolean", help = "let libvirt check it against its schema, and silently drop nothing unknown "
      .. "(not in the reference)" },
    { name = "drop_secrets", type = "boolean", help = "drop the guest's secrets that the configuration lacks (not in the reference)" },
  },
  blocks = true,
  run = function(host, xml, options)
    if not options.drop_secrets then
      check_secrets(host, xml)
    end
    local guest = core.dry_run() and expect(host, xml)
    local written, result = pcall(write, host, xml, { validate = options.validate })
    if guest then
      require("guestlua.log.plan").expect(nil)
    end
    if written then
      return result
    elseif guest and result.kind == "dry_run" then
      return guest
    end
    name_guest(result, xml)
    error(result, 0)
  end,
})
