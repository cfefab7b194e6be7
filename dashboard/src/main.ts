import './styles/base.css';
import './styles/prose.css';

import { createApp } from 'vue';

import App from './App.vue';

createApp(App).mount('#app');
