// On a phone the list beside a page covers it; whether it does now.

import { ref } from 'vue';

export const sideOpen = ref(false);
