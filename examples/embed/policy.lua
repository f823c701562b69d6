-- What the guests of a host have to keep to: policy.c runs this. Returns a list of what does not.

local MOST_MEMORY = 4 * 1024 * 1024 -- KiB

local host <close> = guestlua.open()
local wrong = {}
for _, guest in ipairs(host:guests()) do
  local config = guestlua.element(guest:get_xml_desc())
  local function check(ok, text, ...)
    if not ok then
      wrong[#wrong + 1] = guest.name .. ": " .. text:format(...)
    end
  end

  local memory = guest:get_info().max_mem_kb
  check(memory <= MOST_MEMORY, "%d MiB of memory, more than %d", memory // 1024, MOST_MEMORY // 1024)
  for _, disk in ipairs(config.devices:children("disk")) do
    check(not disk.driver or disk.driver.cache ~= "unsafe", "its disk %s may lose what the guest has written", disk.target.dev)
  end
end
return wrong
