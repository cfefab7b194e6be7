// The sections of the settings, as their list and the commands name them.

export const kSections = [
  { id: 'models', title: 'Models' },
  { id: 'permissions', title: 'Permissions' },
  { id: 'network', title: 'Network' },
  { id: 'instructions', title: 'Instructions' },
  { id: 'limits', title: 'Limits' },
  { id: 'appearance', title: 'Appearance' },
  { id: 'about', title: 'About' },
] as const;
export type Section = (typeof kSections)[number]['id'];
