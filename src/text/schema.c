/* Checking documents against the RelaxNG schemas that libvirt installs. No lua.h; any thread. */
#include <libxml/relaxng.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text/mask.h"
#include "text/xml.h"

#ifndef GL_SCHEMAS
#define GL_SCHEMAS "/usr/share/libvirt/schemas"
#endif

/* Elements with a schema of their own, and elements that are a named part of another schema. */
static const struct {
  const char *element, *file, *part;
} schemas[] = {
  {"domain", "domain.rng", NULL},
  {"domainsnapshot", "domainsnapshot.rng", NULL},
  {"domaincheckpoint", "domaincheckpoint.rng", NULL},
  {"domainbackup", "domainbackup.rng", NULL},
  {"network", "network.rng", NULL},
  {"secret", "secret.rng", NULL},
  {"volume", "storagevol.rng", NULL},
  {"disk", "domainoverrides.rng", "disk"},
  {"interface", "domainoverrides.rng", "interface"},
  {"hostdev", "domainoverrides.rng", "hostdev"},
  {"filesystem", "domainoverrides.rng", "filesystem"},
  {"controller", "domainoverrides.rng", "controller"},
  {"input", "domainoverrides.rng", "input"},
  {"graphics", "domainoverrides.rng", "graphic"},
  {"video", "domainoverrides.rng", "video"},
  {"channel", "domainoverrides.rng", "channel"},
  {"console", "domainoverrides.rng", "console"},
  {"serial", "domainoverrides.rng", "serial"},
  {"memballoon", "domainoverrides.rng", "memballoon"},
  {"watchdog", "domainoverrides.rng", "watchdog"},
  {"sound", "domainoverrides.rng", "sound"},
  {"rng", "domainoverrides.rng", "rng"},
  {"tpm", "domainoverrides.rng", "tpm"},
  {"shmem", "domainoverrides.rng", "shmem"},
  {"memory", "domainoverrides.rng", "memorydev"},
  {"iommu", "domainoverrides.rng", "iommu"},
  {"vsock", "domainoverrides.rng", "vsock"},
  {"redirdev", "domainoverrides.rng", "redirdev"},
  {"redirfilter", "domainoverrides.rng", "redirfilter"},
  {"smartcard", "domainoverrides.rng", "smartcard"},
  {"parallel", "domainoverrides.rng", "parallel"},
  {"hub", "domainoverrides.rng", "hub"},
  {"audio", "domainoverrides.rng", "audio"},
  {"panic", "domainoverrides.rng", "panic"},
  {"lease", "domainoverrides.rng", "lease"},
  {"nvram", "domainoverrides.rng", "nvram"},
};

/* The first complaint that names an element below the root is kept, or else the first: the others follow from it. */
typedef struct complaint {
  char *text;
  size_t size;
  int rank; /* of the complaint kept; 0: none */
} complaint;

static void complain(void *data, xmlErrorPtr e)
{
  complaint *c = data;
  xmlNodePtr node = e->node;
  int rank = !node ? 1 : node->parent && node->parent->type == XML_ELEMENT_NODE ? 3 : 2;
  if (rank <= c->rank)
    return;
  c->rank = rank;
  const char *message = e->message ? e->message : "does not fit";
  int length = (int)strcspn(message, "\n");
  if (node)
    snprintf(c->text, c->size, "line %d, element <%s>: %.*s", (int)xmlGetLineNo(node), (const char *)node->name, length, message);
  else
    snprintf(c->text, c->size, "%.*s", length, message);
}

/* The schema of a named part: a grammar that includes the file and begins at the part. It reads `grammar` when it is parsed, not now. */
static xmlRelaxNGParserCtxtPtr part_context(char *grammar, size_t size, const char *file, const char *part)
{
  int length = snprintf(grammar, size,
                        "<grammar xmlns='http://relaxng.org/ns/structure/1.0'><include href='%s/%s'/>"
                        "<start><ref name='%s'/></start></grammar>",
                        GL_SCHEMAS, file, part);
  return xmlRelaxNGNewMemParserCtxt(grammar, length);
}

static xmlRelaxNGPtr load_schema(const char *element, complaint *c)
{
  for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
    if (strcmp(schemas[i].element, element) != 0)
      continue;
    char path[256], grammar[512];
    snprintf(path, sizeof path, "%s/%s", GL_SCHEMAS, schemas[i].file);
    if (access(path, R_OK) != 0) {
      snprintf(c->text, c->size, "the schema %s is not there: libvirt's own package has it", path);
      return NULL;
    }
    xmlRelaxNGParserCtxtPtr ctxt =
      schemas[i].part ? part_context(grammar, sizeof grammar, schemas[i].file, schemas[i].part) : xmlRelaxNGNewParserCtxt(path);
    if (!ctxt) {
      snprintf(c->text, c->size, "out of memory");
      return NULL;
    }
    xmlRelaxNGSetParserStructuredErrors(ctxt, complain, c);
    xmlRelaxNGPtr schema = xmlRelaxNGParse(ctxt);
    xmlRelaxNGFreeParserCtxt(ctxt);
    return schema;
  }
  snprintf(c->text, c->size, "libvirt has no schema for <%s>", element);
  return NULL;
}

static int validate(xmlDocPtr doc, complaint *c)
{
  xmlRelaxNGPtr schema = load_schema((const char *)xmlDocGetRootElement(doc)->name, c);
  if (!schema)
    return -1;
  int valid = -1;
  xmlRelaxNGValidCtxtPtr ctxt = xmlRelaxNGNewValidCtxt(schema);
  if (ctxt) {
    c->rank = 0;
    xmlRelaxNGSetValidStructuredErrors(ctxt, complain, c);
    valid = xmlRelaxNGValidateDoc(ctxt, doc);
    xmlRelaxNGFreeValidCtxt(ctxt);
  }
  xmlRelaxNGFree(schema);
  return valid;
}

static bool is_known(const char *element)
{
  for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++)
    if (strcmp(schemas[i].element, element) == 0)
      return true;
  return false;
}

/* If a domain's devices do not fit, libxml2 says no more than that. Checking the devices one by one says more. An element without a schema
 * is not a device, and is in the wrong place. */
static void find_device(xmlDocPtr domain, complaint *c)
{
  xmlNodePtr device = gl_xml_child(gl_xml_child(xmlDocGetRootElement(domain), "devices"), NULL);
  for (int found = 0; device && !found; device = gl_xml_element(device->next, NULL)) {
    char text[512];
    complaint own = {text, sizeof text, 0};
    xmlDocPtr alone = xmlNewDoc((const xmlChar *)"1.0");
    xmlNodePtr copy = alone ? xmlDocCopyNode(device, alone, 1) : NULL; /* it keeps its line */
    if (copy) {
      xmlDocSetRootElement(alone, copy);
      found = validate(alone, &own) != 0 && !gl_xml_element_is(device, "emulator");
    }
    if (found && is_known((const char *)device->name))
      snprintf(c->text, c->size, "%s", text);
    else if (found)
      snprintf(c->text, c->size, "line %d, element <%s>: there is no such device", (int)xmlGetLineNo(device), (const char *)device->name);
    xmlFreeDoc(alone);
  }
}

static int validate_whole(xmlDocPtr doc, char *message, size_t message_size)
{
  complaint c = {message, message_size, 0};
  int rc = validate(doc, &c);
  if (rc > 0 && gl_xml_element_is(xmlDocGetRootElement(doc), "domain"))
    find_device(doc, &c);
  return rc;
}

int gl_xml_validate_text(const char *text, char *message, size_t message_size)
{
  xmlDocPtr doc = gl_xml_parse(text, strlen(text), message, message_size);
  if (!doc)
    return 1;
  int rc = validate_whole(doc, message, message_size);
  xmlFreeDoc(doc);
  char *masked = rc ? gl_mask_values_of(strdup(message), text) : NULL;
  if (masked)
    snprintf(message, message_size, "%s", masked);
  free(masked);
  return rc;
}
