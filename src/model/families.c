/* families.c: which families there are and what their fields are, for whoever lists them or completes a name. */
#include "model/model.h"
#include <string.h>

bool rk_family_at(int index, rk_family *family)
{
    *family = (rk_family){ "", "", "", 0 };
    for (int i = 0; arch_list[i] != NULL; i++) {
        if (i != index) continue;
        *family = (rk_family){ arch_list[i]->name, arch_list[i]->title, arch_list[i]->model_types, 0 };
        while (arch_list[i]->presets[family->presets].name != NULL) family->presets++;
        return true;
    }
    return false;
}

static const struct arch *arch_named(const char *name)
{
    for (int i = 0; arch_list[i] != NULL; i++)
        if (strcmp(arch_list[i]->name, name) == 0) return arch_list[i];
    return NULL;
}

bool rk_family_field(const char *family, int index, rk_field *field)
{
    const struct arch *arch = arch_named(family);
    *field = (rk_field){ "", "", NULL, NULL, false, false };
    if (arch == NULL || index < 0) return false;
    for (int i = 0; i <= index; i++)
        if (arch->fields[i].name == NULL) return false;
    const struct field *f = &arch->fields[index];
    *field = (rk_field){ f->name, f->spellings, f->standard, f->choices, f->kind == FIELD_CHOICE, f->training };
    return true;
}
